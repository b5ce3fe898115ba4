"""What a program needs to speak SOCKS5 to a Connectivity service: its service binding, and how a lab hands it out.

The lab that runs gives its own over the control socket, which only its owner can open: the note in the state folder
and the arguments of a process hold no secrets.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from maco_client.failures import SettingsError
from maco_client.settings import SocksProxy, TokenService
from maco_client.token import TokenSource
from maco_lab.control import ControlError, ask
from maco_lab.state import RunNote
from maco_net.trust import trusting_context
from maco_wire.observation import Address

if TYPE_CHECKING:
    from maco_lab.lab_model import LabModel
    from maco_lab.pki import LabPki

ASK_S = 10.0
REQUEST = {"command": "binding"}


@dataclass(frozen=True, slots=True)
class Binding:
    """The SOCKS5 proxy, and the token service with the client that tokens are for.

    ``location_id`` is that of MaCo's e-mail servers, if all have the same. An https:// token service is verified
    against ``token_root`` (PEM) under the name ``token_name``, or as the system does it where they are empty.
    """

    proxy: SocksProxy
    service: TokenService
    location_id: str = ""
    token_root: str = ""
    token_name: str = ""

    def token_source(self) -> TokenSource:
        """Return what fetches tokens, and keeps one."""
        if not self.service.url.startswith("https:"):
            return TokenSource(self.service)
        if not self.token_root:
            return TokenSource(self.service, context=ssl.create_default_context())
        context = trusting_context([ssl.PEM_cert_to_DER_cert(self.token_root)], check_hostname=True)
        return TokenSource(self.service, context=context, server_name=self.token_name or None)


def binding_answer(model: LabModel, addresses: Mapping[str, Address], pki: LabPki) -> dict[str, Any]:
    """Return a running lab's answer to ``REQUEST``; ``addresses`` are where its cloud side really listens."""
    from maco_lab.parties import TUNNEL_HOST, token_service_url, token_service_uses_tls

    client = next(client for client in model.cloud.clients if client.client_id == model.maco.client)
    over_tls = token_service_uses_tls(model.cloud)
    return {
        "ok": True,
        "proxy": addresses["socks5"],
        "token_url": token_service_url(model.cloud, addresses["token"]),
        "client_id": client.client_id,
        "client_secret": client.client_secret.get_secret_value(),
        "location_id": _shared_location_id(model),
        "token_root": ssl.DER_cert_to_PEM_cert(pki.anchor("cloud_root")) if over_tls else "",
        "token_name": TUNNEL_HOST if over_tls else "",
    }


def _shared_location_id(model: LabModel) -> str:
    """Return the location ID of the e-mail servers; empty when they differ."""
    used = {server.location_id for server in model.maco.email_servers if server.proxy_type == "On-Premise"}
    return used.pop() if len(used) == 1 else ""


def binding_of_running_lab(note: RunNote) -> Binding:
    """Ask the running lab. Raises ControlError."""
    answer = ask(note.control, dict(REQUEST), timeout_s=ASK_S)
    try:
        host, port = answer["proxy"]
        service = TokenService(str(answer["token_url"]), str(answer["client_id"]), str(answer["client_secret"]))
        more = [str(answer[key]) for key in ("location_id", "token_root", "token_name")]
        return Binding(SocksProxy(str(host), int(port)), service, *more)
    except (KeyError, TypeError, ValueError, SettingsError) as error:
        told = str(answer.get("error", "its answer is not a service binding"))
        raise ControlError(f"the running lab does not say how to reach its Connectivity service: {told}") from error
