"""One Cloud Connector with its administration, without sockets: requests go to the application, tunnels to nowhere."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from certs.cast import Cast
from connector_sim.admin.application import Application
from connector_sim.admin.endpoints import ENDPOINTS
from connector_sim.admin.installation import Installation
from connector_sim.http_server import HttpRequest, RawAnswer
from connector_sim.on_premise.certificate_signing import CertificateSource, SubaccountCertificate
from connector_sim.signing import CloudLogin
from connector_sim.tunnel.handshake import HandshakeRefused
from maco_lab.administration import build_administration
from maco_lab.background import BackgroundLoop, background_loop
from maco_lab.keeping import Keeping, begin, kept_connector, to_build
from maco_lab.lab_configuration import described_by
from maco_lab.lab_file import LabFile
from maco_lab.names import OnPremiseNames
from maco_lab.parties import CloudAddresses, Reporting, build_connector
from maco_lab.pki import LabPki
from tests.connector_sim.admin.client import basic
from tests.connector_sim.admin.everything import everything
from tests.connector_sim.admin.settings import CLOUD_PASSWORD

NOWHERE = ("127.0.0.1", 1)


class SignsHere(CertificateSource):
    """Signs for subaccounts as the cloud side would, without a connection to it."""

    def __init__(self, pki: LabPki) -> None:
        self._pki = pki

    async def obtain(self, subaccount: str, login: CloudLogin) -> SubaccountCertificate:
        if login.password != CLOUD_PASSWORD:
            raise HandshakeRefused(401)
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subaccount)])
        request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
        signed = x509.load_pem_x509_certificate(self._pki.sign_subaccount_request(request, subaccount))
        context = self._pki.signed_tunnel_context(signed, key)
        return SubaccountCertificate(signed.public_bytes(Encoding.DER), context, key)


@dataclass
class Installed:
    """An installation, and requests to it."""

    installation: Installation
    pki: LabPki
    file: LabFile
    loop: BackgroundLoop
    user: str = "Administrator"
    password: str = "manage"

    def __post_init__(self) -> None:
        self._application = Application(self.installation, ENDPOINTS)

    def call(self, method: str, path: str, content: object = None) -> RawAnswer:
        body = b"" if content is None else json.dumps(content).encode()
        return self._handle(method, path, body, "application/json")

    def upload(self, method: str, path: str, parts: Mapping[str, bytes]) -> RawAnswer:
        body = b"".join(
            b"--b\r\nContent-Disposition: form-data; name=%s\r\n\r\n%s\r\n" % (name.encode(), content)
            for name, content in parts.items()
        )
        return self._handle(method, path, body + b"--b--\r\n", "multipart/form-data; boundary=b")

    def everything(self) -> dict[str, Any]:
        def get(path: str) -> tuple[int, bytes]:
            answer = self.call("GET", path)
            return answer.status, answer.body

        return everything(get)

    def described(self) -> dict[str, Any]:
        """Return its keys for a lab file."""
        [described] = self.file.model.cloud_connectors
        return described_by(self.installation.configuration(), described, self.pki)

    def _handle(self, method: str, path: str, body: bytes, content_type: str) -> RawAnswer:
        headers = {"host": "scc", "authorization": basic(self.user, self.password), "content-type": content_type}
        return self.loop.run(self._application.handle(HttpRequest(method, path, headers, body)))


@contextlib.contextmanager
def installed(file: LabFile, cast: Cast, kept_in: Path | None = None) -> Iterator[Installed]:
    """Run the Cloud Connector of a lab file; its configuration is kept in a file, if one is given."""
    loop, pki = background_loop(), LabPki(file.folder, cast)
    with loop.enter(_installed(file, pki, kept_in)) as installation:
        yield Installed(installation, pki, file, loop)


@contextlib.asynccontextmanager
async def _installed(file: LabFile, pki: LabPki, kept_in: Path | None) -> AsyncIterator[Installation]:
    [described] = file.model.cloud_connectors
    keys = file.model.administration_of(described)
    assert keys is not None
    keeping = Keeping(kept_in, [].append) if kept_in else None  # type: ignore[arg-type]  # nobody looks at it
    async with kept_connector(keeping, file.model, described) as kept:
        cloud = CloudAddresses(NOWHERE, "http://127.0.0.1:1", NOWHERE)
        names, reporting = OnPremiseNames({}, {}), Reporting(lambda _: None)
        connector = build_connector(to_build(kept, described), cloud, names, pki, reporting)
        async with connector.running():
            with contextlib.closing(build_administration(described, keys, connector, pki, port=0)) as served:
                served.installation.subaccounts._certificates = SignsHere(pki)
                await begin(served.installation, described, kept)
                await connector.tried()
                yield served.installation
