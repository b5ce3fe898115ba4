"""The token service: ``POST /oauth/token`` with client credentials (RFC 6749, section 4.4) and the public keys.

Paths as in XSUAA: ``/oauth/token`` and ``/token_keys``; ``/.well-known/openid-configuration`` points at both. A
parameter of our own, ``maco_lab_defect``, asks for a token that must be refused. Authentication data is handed out here
too, because this is where the cloud listens for HTTP.
"""

from __future__ import annotations

import hmac
import urllib.parse

from connector_sim.cloud.authentication_data import DATA_PATH, AuthenticationDataDesk
from connector_sim.cloud.basic import basic_pair
from connector_sim.cloud.settings import ConnectivitySettings, OauthClient
from connector_sim.cloud.token_defects import TokenDefect
from connector_sim.cloud.tokens import Tokens
from connector_sim.http_server import HttpAnswer, HttpRequest

TOKEN_PATH = "/oauth/token"  # noqa: S105 - a path
KEYS_PATH = "/token_keys"
DEFECT_PARAMETER = "maco_lab_defect"
CONFIGURATION_PATH = "/.well-known/openid-configuration"
METHODS = {TOKEN_PATH: "POST", KEYS_PATH: "GET", CONFIGURATION_PATH: "GET", DATA_PATH: "POST"}
"""What there is."""


class TokenService:
    """Answer the requests of OAuth clients."""

    def __init__(
        self, settings: ConnectivitySettings, tokens: Tokens, desk: AuthenticationDataDesk, *, scheme: str = "http"
    ) -> None:
        """``scheme`` is what the addresses in its answers begin with."""
        self._settings = settings
        self._scheme = scheme
        self._tokens = tokens
        self._desk = desk
        self._clients = {client.client_id: client for client in settings.clients}

    def handle(self, request: HttpRequest) -> HttpAnswer:
        """Answer one request."""
        match request.method, request.path:
            case "POST", "/oauth/token":
                return self._issue(request)
            case "GET", "/token_keys":
                return HttpAnswer(200, self._tokens.public_keys())
            case "GET", "/.well-known/openid-configuration":
                return HttpAnswer(200, self._configuration(request))
            case "POST", "/maco-lab/authentication_data":
                return self._desk.handle(request)
            case _, path if path in METHODS:
                allow = (("Allow", METHODS[path]),)  # RFC 9110, section 15.5.6
                return HttpAnswer(405, {"error": "invalid_request", "error_description": "method not allowed"}, allow)
        return HttpAnswer(404, {"error": "not_found", "error_description": f"known: {TOKEN_PATH}, {KEYS_PATH}"})

    def _issue(self, request: HttpRequest) -> HttpAnswer:
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/x-www-form-urlencoded":
            return _refused(400, "invalid_request", "the body must be application/x-www-form-urlencoded")
        form = dict(urllib.parse.parse_qsl(request.body.decode("latin-1"), keep_blank_values=True))
        client = self._authenticated(*_credentials(request, form))
        if client is None:
            return _refused(401, "invalid_client", "unknown client, or wrong secret")
        if (grant := form.get("grant_type")) != "client_credentials":
            return _refused(400, "unsupported_grant_type", f"found {grant!r}, allowed: 'client_credentials'")
        try:
            defect = TokenDefect(form[DEFECT_PARAMETER]) if DEFECT_PARAMETER in form else None
        except ValueError:
            return _refused(400, "invalid_request", f"{DEFECT_PARAMETER}: allowed: {', '.join(TokenDefect)}")
        answer = {
            "access_token": self._tokens.issue(client, defect=defect),
            "token_type": "Bearer",
            "expires_in": self._settings.token_lifetime_s,
        }
        return HttpAnswer(200, answer)

    def _authenticated(self, client_id: str, secret: str) -> OauthClient | None:
        client = self._clients.get(client_id)
        known = client.client_secret if client else ""
        same = hmac.compare_digest(known.encode(), secret.encode())
        return client if same and known else None

    def _configuration(self, request: HttpRequest) -> dict[str, object]:
        base = f"{self._scheme}://{request.headers.get('host', self._settings.host)}"
        return {
            "issuer": self._settings.issuer,
            "token_endpoint": base + TOKEN_PATH,
            "jwks_uri": base + KEYS_PATH,
            "grant_types_supported": ["client_credentials"],
        }


def _credentials(request: HttpRequest, form: dict[str, str]) -> tuple[str, str]:
    """Return client ID and secret, from the Basic header (RFC 6749, section 2.3.1) or from the form."""
    scheme = request.headers.get("authorization", "").partition(" ")[0]
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    client_id, secret = basic_pair(request)
    return urllib.parse.unquote_plus(client_id), urllib.parse.unquote_plus(secret)


def _refused(status: int, error: str, description: str) -> HttpAnswer:
    headers = (("WWW-Authenticate", 'Basic realm="maco-lab token service"'),) if status == 401 else ()
    return HttpAnswer(status, {"error": error, "error_description": description}, headers)
