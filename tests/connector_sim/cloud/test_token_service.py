from __future__ import annotations

import base64
import urllib.parse

import pytest

from connector_sim.cloud.authentication_data import AuthenticationDataDesk
from connector_sim.cloud.cloud_users import CloudUsers
from connector_sim.cloud.settings import OauthClient
from connector_sim.cloud.token_defects import TokenDefect
from connector_sim.cloud.token_service import TokenService
from connector_sim.cloud.tokens import TokenRefusal, Tokens
from connector_sim.http_server import HttpAnswer, HttpRequest
from tests.connector_sim.landscape import SECRET, SIGNING_KEY, SUBACCOUNT, cloud_settings

ODD = OauthClient("sb-x!t:1", "se cret+/=", SUBACCOUNT)
FORM = "application/x-www-form-urlencoded"
GOOD = {"grant_type": "client_credentials", "client_id": "maco", "client_secret": SECRET}


def _service() -> TokenService:
    settings = cloud_settings(clients=(*cloud_settings().clients, ODD))
    desk = AuthenticationDataDesk(CloudUsers((), settings.subaccounts), SIGNING_KEY, settings.region_host)
    return TokenService(settings, Tokens(settings, SIGNING_KEY), desk)


def _post(form: dict[str, str], **headers: str) -> HttpAnswer:
    sent = {"content-type": FORM} | {name.replace("_", "-"): value for name, value in headers.items()}
    return _service().handle(HttpRequest("POST", "/oauth/token", sent, urllib.parse.urlencode(form).encode()))


def _basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def _content(answer: HttpAnswer) -> dict[str, object]:
    assert isinstance(answer.content, dict)
    return answer.content


def test_credentials_in_the_form_get_a_token() -> None:
    answer = _post(GOOD)
    # facts, section 1.3: access_token, token_type "Bearer", expires_in
    assert (answer.status, _content(answer)["token_type"], _content(answer)["expires_in"]) == (200, "Bearer", 43_200)
    claims = Tokens(cloud_settings(), SIGNING_KEY).verify(str(_content(answer)["access_token"]))
    assert claims.subaccount == SUBACCOUNT


def test_credentials_in_the_basic_header_get_a_token() -> None:
    assert _post({"grant_type": "client_credentials"}, authorization=_basic(f"maco:{SECRET}")).status == 200


def test_the_basic_header_is_form_encoded_as_rfc_6749_says() -> None:
    # RFC 6749, section 2.3.1: "The client identifier is encoded using the "application/x-www-form-urlencoded"
    # encoding algorithm"
    pair = f"{urllib.parse.quote_plus(ODD.client_id)}:{urllib.parse.quote_plus(ODD.client_secret)}"
    assert _post({"grant_type": "client_credentials"}, authorization=_basic(pair)).status == 200


@pytest.mark.parametrize(
    "change", [{"client_secret": "wrong"}, {"client_secret": ""}, {"client_id": "stranger"}, {"client_id": ""}]
)
def test_wrong_credentials_are_401_with_a_challenge(change: dict[str, str]) -> None:
    answer = _post(GOOD | change)
    assert (answer.status, _content(answer)["error"]) == (401, "invalid_client")  # RFC 6749, section 5.2
    assert [name for name, _ in answer.headers] == ["WWW-Authenticate"]


@pytest.mark.parametrize("header", ["Basic !", "Basic /w==", "Basic", "Basic \u00e4\u00f6", "Bearer x"])
def test_a_header_without_credentials_is_401(header: str) -> None:
    assert _post({"grant_type": "client_credentials"}, authorization=header).status == 401


@pytest.mark.parametrize("grant", ["password", "", "urn:ietf:params:oauth:grant-type:jwt-bearer"])
def test_another_grant_is_400(grant: str) -> None:
    answer = _post(GOOD | {"grant_type": grant})
    assert (answer.status, _content(answer)["error"]) == (400, "unsupported_grant_type")


def test_authentication_data_is_handed_out_beside_the_tokens() -> None:
    refused = _service().handle(HttpRequest("POST", "/maco-lab/authentication_data", {}, b""))
    other = _service().handle(HttpRequest("GET", "/maco-lab/authentication_data", {}, b""))

    assert (refused.status, other.status, other.headers) == (401, 405, (("Allow", "POST"),))


def test_a_body_of_another_type_is_400() -> None:
    assert _post(GOOD, content_type="application/json").status == 400


def test_an_unknown_path_is_404() -> None:
    assert _service().handle(HttpRequest("POST", "/oauth2/token", {}, b"")).status == 404


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", "/oauth/token", "POST"), ("POST", "/token_keys", "GET"), ("HEAD", "/oauth/token", "POST")],
)
def test_another_method_is_405_and_the_right_one_is_named(method: str, path: str, allowed: str) -> None:
    answer = _service().handle(HttpRequest(method, path, {}, b""))
    assert (answer.status, dict(answer.headers)) == (405, {"Allow": allowed})  # RFC 9110, section 15.5.6


def test_the_public_keys_are_served() -> None:
    answer = _service().handle(HttpRequest("GET", "/token_keys", {}, b""))
    assert answer.content == Tokens(cloud_settings(), SIGNING_KEY).public_keys()


def test_the_configuration_points_at_token_and_keys() -> None:
    answer = _service().handle(
        HttpRequest("GET", "/.well-known/openid-configuration", {"host": "127.0.0.1:20010"}, b"")
    )
    assert _content(answer)["token_endpoint"] == "http://127.0.0.1:20010/oauth/token"
    assert _content(answer)["jwks_uri"] == "http://127.0.0.1:20010/token_keys"


def test_no_repr_shows_a_secret_or_a_token() -> None:
    request = HttpRequest("POST", "/oauth/token", {"authorization": _basic(f"maco:{SECRET}")}, SECRET.encode())
    answer = _post(GOOD)
    shown = repr(request) + repr(answer)
    assert SECRET not in shown
    assert str(_content(answer)["access_token"]) not in shown


@pytest.mark.parametrize("defect", TokenDefect)
def test_a_token_that_must_be_refused_is_given_to_whoever_asks_for_it(defect: TokenDefect) -> None:
    answer = _post(GOOD | {"maco_lab_defect": defect.value})

    assert (answer.status, _content(answer)["expires_in"]) == (200, 43_200)
    with pytest.raises(TokenRefusal):
        Tokens(cloud_settings(), SIGNING_KEY).verify(str(_content(answer)["access_token"]))


def test_a_defect_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    answer = _post(GOOD | {"maco_lab_defect": "broken"})

    assert (answer.status, _content(answer)["error"]) == (400, "invalid_request")
    assert _content(answer)["error_description"] == f"maco_lab_defect: allowed: {', '.join(TokenDefect)}"
