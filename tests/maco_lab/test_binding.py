"""A running lab hands out its service binding over the control socket, and what it hands out is enough for a token."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest

from certs.cast import Cast
from maco_client.failures import TokenFailed
from maco_client.settings import SocksProxy, TokenService
from maco_lab import parties, topology
from maco_lab.binding import Binding, binding_answer, binding_of_running_lab
from maco_lab.control import ControlError, control_socket
from maco_lab.state import RunNote
from maco_lab.testing.lab import Lab, lab_for_tests


def answer_of(lab: Lab) -> dict[str, Any]:
    return binding_answer(lab.running.file.model, lab.addresses, lab.running.pki)


async def asked(answer: dict[str, Any]) -> Binding:
    """Return what a command makes of the answer of a lab."""

    async def give(request: dict[str, Any]) -> dict[str, Any]:
        assert request == {"command": "binding"}
        return answer

    async with control_socket(give) as path:
        return await asyncio.to_thread(binding_of_running_lab, RunNote(1, "lab.yaml", str(path), {}, ()))


async def test_the_binding_arrives_as_it_is(maco_lab: Lab) -> None:
    binding = await asked(answer_of(maco_lab))

    cloud = maco_lab.running.cloud
    assert binding.proxy == SocksProxy(*cloud.socks5_address)
    assert binding.service == TokenService(cloud.token_url, "maco", "lab-secret-of-maco")
    assert (binding.location_id, binding.token_root, binding.token_name) == ("WERK1", "", "")


def test_the_token_service_takes_the_binding(maco_lab: Lab) -> None:
    binding = asyncio.run(asked(answer_of(maco_lab)))

    assert maco_lab.thread.run(_token(binding)).count(".") == 2  # RFC 7515, section 3.1: a JWS has three parts


def test_a_token_service_that_speaks_https_is_verified_by_the_labs_root_and_by_no_other(
    maco_lab_authority: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (topology, parties):
        monkeypatch.setattr(module, "token_service_uses_tls", lambda _: True)
    with lab_for_tests(authority=maco_lab_authority) as lab:
        binding = asyncio.run(asked(answer_of(lab)))

        assert binding.service.url.startswith("https://127.0.0.1:")
        assert lab.thread.run(_token(binding)).count(".") == 2
        with pytest.raises(TokenFailed, match="unable to get local issuer certificate"):
            lab.thread.run(_token(dataclasses.replace(binding, token_root="")))


def differ(data: dict[str, Any]) -> None:
    data["maco"]["email_servers"][1]["location_id"] = "WERK2"


@pytest.mark.maco_lab(change=differ)
def test_a_location_id_is_given_only_if_all_email_servers_have_the_same(maco_lab: Lab) -> None:
    assert answer_of(maco_lab)["location_id"] == ""


def test_a_binding_shows_no_secret() -> None:
    binding = Binding(SocksProxy("127.0.0.1", 1), TokenService("http://127.0.0.1:1", "maco", "lab-secret-of-maco"))

    assert "lab-secret" not in repr(binding)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"ok": False, "error": "unknown command; allowed: down"}, "unknown command; allowed: down"),
        ({"ok": True, "proxy": ["127.0.0.1", 0]}, "its answer is not a service binding"),
        ({"ok": True, "proxy": "?"}, "its answer is not a service binding"),
    ],
)
async def test_another_answer_is_an_error_in_words(answer: dict[str, Any], told: str) -> None:
    with pytest.raises(ControlError, match=f"the running lab does not say .*: {told}"):
        await asked(answer)


async def _token(binding: Binding) -> str:
    return await binding.token_source().token()
