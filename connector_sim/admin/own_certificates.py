"""The connector's own certificates: for back ends ("system"), for its pages and API ("UI"), and the CA for users.

All have the same shapes (SAP, "System Certificate APIs"); the UI certificate cannot be deleted (405, recorded). The CA
certificate signs users' certificates for principal propagation, which mail does not have: it is kept and shown only.
"""

from __future__ import annotations

from collections.abc import Callable

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from connector_sim.admin import multipart
from connector_sim.admin.call import Call
from connector_sim.admin.certificate_files import DER, PEM, as_der, read_certificates
from connector_sim.admin.certificate_shape import certificate_shape
from connector_sim.admin.endpoint import Endpoint, State
from connector_sim.admin.errors import invalid
from connector_sim.admin.installation import Installation
from connector_sim.admin.key_pair import KEY_SIZES, KeyPair
from connector_sim.admin.replies import Reply, attachment, created, no_content, ok
from connector_sim.admin.roles import CONNECTOR, READ

OWN = "/api/v1/configuration/connector"


class OwnCertificate:
    """The endpoints of one of them."""

    def __init__(self, pick: Callable[[Installation], KeyPair], file_name: str) -> None:
        self._pick = pick
        self._file_name = file_name

    def get(self, call: Call) -> Reply:
        """Return the fields, or the certificate itself to whoever wants ``application/pkix-cert``."""
        certificate = self._pick(call.installation).get()
        if call.accepts(DER):  # recorded: the answer has another type than the one asked for
            return attachment(as_der(certificate), self._file_name)
        return ok(certificate_shape(certificate))

    async def make(self, call: Call) -> Reply:
        """Make one that signs itself, or a request to be signed elsewhere."""
        fields = call.fields()
        kind = fields.choice("type", ("selfsigned", "csr"))
        subject = _name(fields.text("subjectDN"))
        key_size = fields.number("keySize", KEY_SIZES[-1])
        if key_size not in KEY_SIZES:
            raise invalid(f"keySize: found {key_size}, allowed: 2048 or 4096")
        pair = self._pick(call.installation)
        if kind == "selfsigned":
            await pair.make_self_signed(subject, key_size)
            return created(call.url)
        request = await pair.request(subject, key_size)
        return Reply(200, request.public_bytes(Encoding.PEM), PEM)

    def take_pkcs12(self, call: Call) -> Reply:
        """Take a certificate with its key."""
        found = _parts(call)
        password = _text(found.get("keyPassword") or found.get("password") or b"")
        self._pick(call.installation).take_pkcs12(_part(found, "pkcs12"), password)
        return no_content()

    def take_signed(self, call: Call) -> Reply:
        """Take the answer to a request."""
        chain = read_certificates("signedCertificate", _part(_parts(call), "signedCertificate"))
        self._pick(call.installation).take_signed(chain)
        return created(call.url)

    def delete(self, call: Call) -> Reply:
        """Delete it."""
        self._pick(call.installation).delete()
        return no_content()

    def endpoints(self, path: str, *, deletable: bool, state: State = "acts") -> tuple[Endpoint, ...]:
        """Return the table of this one."""
        table = (
            Endpoint("GET", path, READ, self.get, state=state),
            Endpoint("POST", path, CONNECTOR, self.make, body="json", state=state),
            Endpoint("PUT", path, CONNECTOR, self.take_pkcs12, body="multipart", state=state),
            Endpoint("PATCH", path, CONNECTOR, self.take_signed, body="multipart", state=state),
        )
        return (*table, Endpoint("DELETE", path, CONNECTOR, self.delete, state=state)) if deletable else table


def _name(text: str) -> x509.Name:
    try:
        return x509.Name.from_rfc4514_string(text)
    except ValueError as error:
        raise invalid(f"subjectDN: found {text[:80]!r}, allowed: a name as in CN=scc,O=Stadtwerke,C=DE") from error


def _parts(call: Call) -> dict[str, bytes]:
    found = multipart.parts(call.request.headers.get("content-type", ""), call.request.body)
    return {name: contents[0] for name, contents in found.items()}


def _part(found: dict[str, bytes], name: str) -> bytes:
    if not found.get(name):
        raise invalid(f"{name}: found nothing")
    return found[name]


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except ValueError as error:
        raise invalid("password: allowed: text in UTF-8") from error


SYSTEM = OwnCertificate(lambda installation: installation.system_certificate, "system_certificate.der")
UI = OwnCertificate(lambda installation: installation.ui_certificate, "ui_certificate.der")
CA = OwnCertificate(lambda installation: installation.ca_certificate, "ca_certificate.der")

ENDPOINTS = (
    *SYSTEM.endpoints(f"{OWN}/onPremises/systemCertificate", deletable=True),
    *UI.endpoints(f"{OWN}/ui/uiCertificate", deletable=False),
    *CA.endpoints(f"{OWN}/onPremises/ppCaCertificate", deletable=True, state="stored"),
)
