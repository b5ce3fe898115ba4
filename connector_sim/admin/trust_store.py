"""The back-end trust store: upload, list, delete, and the switch "trust all" (SAP, "Truststore").

Documentation and recording disagree on names; the recording has ``trustedBackends`` and ``/truststore``.
"""

from __future__ import annotations

from cryptography import x509

from connector_sim.admin import multipart
from connector_sim.admin.call import Call
from connector_sim.admin.certificate_files import DER, PEM, as_der, as_pem, read_certificates
from connector_sim.admin.certificate_shape import trusted_shape
from connector_sim.admin.endpoint import Endpoint
from connector_sim.admin.errors import ErrorType, Refused, invalid
from connector_sim.admin.replies import Reply, created, no_content, ok
from connector_sim.admin.roles import CONNECTOR, READ

PATH = "/api/v1/configuration/connector/onPremises/truststore"
CERTIFICATES = f"{PATH}/certificates"
ONE = f"{CERTIFICATES}/{{alias}}"


def _get(call: Call) -> Reply:
    trust = call.installation.trust
    listed = [trusted_shape(alias, each) for alias, each in trust.entries.items()]
    return ok({"trustAllBackends": trust.trusts_all, "trustedBackends": listed})


def _switch(call: Call) -> Reply:
    call.installation.trust.switch(trust_all=call.fields().flag("trustAllBackends"))
    return no_content()


def _upload(call: Call) -> Reply:
    """Take one or several certificates; ``certificate`` is the field's older name, which SAP's client sends."""
    found = multipart.parts(call.request.headers.get("content-type", ""), call.request.body)
    certificates: list[x509.Certificate] = []
    for field in ("certificates", "certificate"):
        for content in found.get(field, ()):
            certificates += read_certificates(field, content)
    if not certificates:
        raise invalid("certificates: found nothing, allowed: certificates in PEM or DER")
    call.installation.trust.upload(certificates)
    return created(call.url)


def _download(call: Call) -> Reply:
    """Return all certificates as PEM, or the only one as DER."""
    entries = list(call.installation.trust.entries.values())
    if not entries:
        raise Refused(ErrorType.NOT_FOUND, "There is no trusted backend certificate")
    if call.accepts(DER) and not call.accepts(PEM):
        if len(entries) > 1:
            raise invalid(f"Accept: {DER} holds one certificate, and there are {len(entries)}: use {PEM}")
        return Reply(200, as_der(entries[0]), DER)
    return Reply(200, as_pem(entries), PEM)


def _download_one(call: Call) -> Reply:
    return Reply(200, as_der(call.installation.trust.get(call.parameters["alias"])), DER)


def _delete(call: Call) -> Reply:
    call.installation.trust.remove(call.parameters["alias"])
    return no_content()


def _delete_all(call: Call) -> Reply:
    call.installation.trust.clear()
    return no_content()


ENDPOINTS = (
    Endpoint("GET", PATH, READ, _get),
    Endpoint("PATCH", PATH, CONNECTOR, _switch, body="lenient"),
    Endpoint("GET", CERTIFICATES, READ, _download),
    Endpoint("POST", CERTIFICATES, CONNECTOR, _upload, body="multipart"),
    Endpoint("DELETE", CERTIFICATES, CONNECTOR, _delete_all),
    Endpoint("GET", ONE, READ, _download_one),
    Endpoint("DELETE", ONE, CONNECTOR, _delete),
)
