"""The parts of a multipart/form-data body (RFC 7578), read by Python's own MIME parser. Pure.

The parser is imported with the first upload: it takes its time, and most labs never see one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connector_sim.admin.errors import invalid

MOST_PARTS = 100


def parts(content_type: str, body: bytes) -> Mapping[str, Sequence[bytes]]:
    """Return the contents of the parts by field name. Raises Refused for what is no form."""
    import email.message
    import email.parser

    head = f"Content-Type: {content_type}\r\nMIME-Version: 1.0\r\n\r\n".encode("latin-1")
    message = email.parser.BytesParser().parsebytes(head + body)
    if not message.is_multipart() or message.defects:
        raise invalid("the body is no multipart/form-data")
    found: dict[str, list[bytes]] = {}
    for part in message.get_payload():
        if not isinstance(part, email.message.Message):
            continue
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            found.setdefault(name, []).append(content)
    if sum(map(len, found.values())) > MOST_PARTS:
        raise invalid(f"the body has more than {MOST_PARTS} parts")
    return found
