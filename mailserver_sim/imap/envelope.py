"""ENVELOPE and BODYSTRUCTURE (RFC 3501, section 7.4.2), from a message's own bytes."""

from __future__ import annotations

from mailserver_sim.imap.addresses import Address, parse_addresses
from mailserver_sim.imap.mime import Entity, first_values
from mailserver_sim.imap.parameters import Pairs, parse_field
from mailserver_sim.imap.wire import NIL, nstring, string


def envelope(header: bytes) -> bytes:
    """Return the envelope of the message with this header."""
    values = first_values(header)
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
        string(entity.main_type.encode("latin-1", "replace").upper()),
        string(entity.sub_type.encode("latin-1", "replace").upper()),
        _parameters(entity),
        _header(entity, "content-id"),
        _header(entity, "content-description"),
        # RFC 2045, section 6.1: "Content-Transfer-Encoding: 7BIT" is assumed if the field is not present.
        string((entity.values.get("content-transfer-encoding") or b"7BIT").upper()),
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
    fields = [parts, string(entity.sub_type.encode("latin-1", "replace").upper())]
    if extended:
        fields += [_parameters(entity), *_disposition_and_language(entity)]
    return b"(" + b" ".join(fields) + b")"


def _parameters(entity: Entity) -> bytes:
    parameters = entity.parameters
    if entity.main_type == "text" and not any(name in ("charset", "charset*") for name, _ in parameters):
        # RFC 2046, section 4.1.2: "The default character set, which must be assumed in the absence of a charset
        # parameter, is US-ASCII."
        parameters = (*parameters, ("charset", "us-ascii"))
    return _pairs(parameters)


def _pairs(pairs: Pairs) -> bytes:
    if not pairs:
        return NIL
    texts = [text for name, value in pairs for text in (name.encode("latin-1").upper(), value.encode("latin-1"))]
    return b"(" + b" ".join(string(text) for text in texts) + b")"


def _disposition_and_language(entity: Entity) -> list[bytes]:
    found = parse_field(entity.values.get("content-disposition", b"").decode("latin-1"))
    disposition = NIL
    if found.value:
        disposition = b"(" + string(found.value.encode("latin-1").upper()) + b" " + _pairs(found.parameters) + b")"
    languages = [tag.strip() for tag in entity.values.get("content-language", b"").split(b",") if tag.strip()]
    language = b"(" + b" ".join(map(string, languages)) + b")" if languages else NIL
    return [disposition, language, _header(entity, "content-location")]


def _header(entity: Entity, name: str) -> bytes:
    return nstring(entity.values.get(name))


def _lines(body: bytes) -> int:
    """Count line ends, as other servers do; text behind the last one is no line."""
    return body.count(b"\n")


def _addresses(value: bytes | None) -> bytes:
    if value is None:
        return NIL
    # Latin-1 is a one-to-one coding of bytes: whatever the header holds comes out as it went in.
    found = parse_addresses(value.decode("latin-1"))
    return b"(" + b"".join(map(_address, found)) + b")" if found else NIL


def _address(address: Address) -> bytes:
    parts = (address.name, address.route, address.mailbox, address.host)
    return b"(" + b" ".join(nstring(None if part is None else part.encode("latin-1")) for part in parts) + b")"
