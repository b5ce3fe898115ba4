"""ENVELOPE and BODYSTRUCTURE (RFC 3501, section 7.4.2), from a message's own bytes."""

from __future__ import annotations

import email.utils

from mailserver_sim.headers import header_fields
from mailserver_sim.imap.mime import Entity
from mailserver_sim.imap.wire import NIL, nstring, string


def envelope(header: bytes) -> bytes:
    """Return the envelope of the message with this header."""
    values: dict[str, bytes] = {}
    for each in header_fields(header):
        values.setdefault(each.name, each.value)
    sender = values.get("from")
    parts = [
        nstring(values.get("date")),
        nstring(values.get("subject")),
        _addresses(sender),
        # "the server MUST default the corresponding member of the envelope to the same value as the from member"
        _addresses(values.get("sender") or sender),
        _addresses(values.get("reply-to") or sender),
        *(_addresses(values.get(name)) for name in ("to", "cc", "bcc")),
        nstring(values.get("in-reply-to")),
        nstring(values.get("message-id")),
    ]
    return b"(" + b" ".join(parts) + b")"


def body_structure(entity: Entity, *, extended: bool) -> bytes:
    """Return the structure of a message or part; ``extended`` is BODYSTRUCTURE, without it BODY."""
    if entity.parts:
        return _multipart(entity, extended=extended)
    fields = [
        string(entity.main_type.upper().encode("latin-1", "replace")),
        string(entity.sub_type.upper().encode("latin-1", "replace")),
        _parameters(entity),
        _header(entity, "content-id"),
        _header(entity, "content-description"),
        # RFC 2045, section 6.1: "Content-Transfer-Encoding: 7BIT" is assumed if the field is not present.
        string((_value(entity, "content-transfer-encoding") or b"7BIT").upper()),
        b"%d" % len(entity.body),
    ]
    if entity.message is not None:
        fields += [envelope(entity.message.header), body_structure(entity.message, extended=extended)]
    if entity.main_type == "text" or entity.message is not None:
        fields.append(b"%d" % _lines(entity.body))
    if extended:
        fields += [_header(entity, "content-md5"), *_disposition_and_language(entity)]
    return b"(" + b" ".join(fields) + b")"


def _multipart(entity: Entity, *, extended: bool) -> bytes:
    parts = b"".join(body_structure(part, extended=extended) for part in entity.parts)
    fields = [parts, string(entity.sub_type.upper().encode("latin-1", "replace"))]
    if extended:
        fields += [_parameters(entity), *_disposition_and_language(entity)]
    return b"(" + b" ".join(fields) + b")"


def _parameters(entity: Entity) -> bytes:
    parameters = entity.parameters
    if not parameters and entity.main_type == "text" and "content-type" not in entity.fields:
        parameters = (("charset", "us-ascii"),)  # RFC 2045, section 5.2: the default of a missing Content-Type
    return _pairs(parameters)


def _pairs(pairs: tuple[tuple[str, str], ...]) -> bytes:
    if not pairs:
        return NIL
    texts = [text.encode("utf-8", "surrogateescape") for pair in pairs for text in (pair[0].upper(), pair[1])]
    return b"(" + b" ".join(string(text) for text in texts) + b")"


def _disposition_and_language(entity: Entity) -> list[bytes]:
    found = entity.fields.get_params(header="content-disposition", failobj=[])
    disposition = NIL
    if found and found[0][0]:
        kind = str(found[0][0]).upper().encode("utf-8", "surrogateescape")
        pairs = tuple((name, email.utils.collapse_rfc2231_value(value)) for name, value in found[1:] if name)
        disposition = b"(" + string(kind) + b" " + _pairs(pairs) + b")"
    return [disposition, _header(entity, "content-language"), _header(entity, "content-location")]


def _header(entity: Entity, name: str) -> bytes:
    return nstring(_value(entity, name))


def _value(entity: Entity, name: str) -> bytes | None:
    return next((each.value for each in header_fields(entity.header) if each.name == name), None)


def _lines(body: bytes) -> int:
    return body.count(b"\n") + (not body.endswith(b"\n") and bool(body))


def _addresses(value: bytes | None) -> bytes:
    if value is None:
        return NIL
    # Latin-1 is a one-to-one coding of bytes: whatever the header holds comes out as it went in.
    found = email.utils.getaddresses([value.decode("latin-1")])
    addresses = [_address(name, address) for name, address in found if address]
    return b"(" + b"".join(addresses) + b")" if addresses else NIL


def _address(name: str, address: str) -> bytes:
    local_part, _, host = address.rpartition("@") if "@" in address else (address, "", "")
    parts = [name.encode("latin-1") or None, None, local_part.encode("latin-1"), host.encode("latin-1")]
    return b"(" + b" ".join(nstring(part) for part in parts) + b")"
