"""The parts of a multipart/form-data body (RFC 7578). Pure.

A body may be large, and whoever sends it odd: it is cut at its boundary once, and what a part holds is never read.
Python's MIME parser, which reads the few lines before a content, is imported with the first upload: it takes its time,
and most labs never see one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from connector_sim.admin.errors import invalid

MOST_PARTS = 100
MOST_HEADER_BYTES = 8 * 1024
_AS_IT_IS = ("", "binary", "8bit", "7bit")


def parts(content_type: str, body: bytes) -> Mapping[str, Sequence[bytes]]:
    """Return the contents of the parts by field name. Raises Refused for what is no form."""
    found: dict[str, list[bytes]] = {}
    for part in _pieces(body, _boundary(content_type)):
        name, content = _part(part)
        if name:
            found.setdefault(name, []).append(content)
    return found


def _boundary(content_type: str) -> bytes:
    import email.message

    message = email.message.Message()
    message["Content-Type"] = content_type
    boundary = message.get_boundary("")
    if message.get_content_type() != "multipart/form-data" or not boundary.isascii() or not 1 <= len(boundary) <= 70:
        raise _no_form()
    return boundary.encode()


def _pieces(body: bytes, boundary: bytes) -> Iterator[bytes]:
    """Yield what stands between two delimiters (RFC 2046, section 5.1.1)."""
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary, MOST_PARTS + 2)
    if len(pieces) > MOST_PARTS + 2:
        raise invalid(f"the body has more than {MOST_PARTS} parts")
    for piece in pieces[1:]:
        if piece.startswith(b"--"):
            return
        padding, line_end, part = piece.partition(b"\r\n")
        if padding.strip(b" \t") or not line_end:
            break
        yield part
    raise _no_form()


def _part(part: bytes) -> tuple[str, bytes]:
    """Return a part's name, empty if it has none, and its content."""
    import email.parser

    head, line_end, content = (b"\r\n" + part).partition(b"\r\n\r\n")
    if not line_end or len(head) > MOST_HEADER_BYTES:
        raise _no_form()
    fields = email.parser.BytesHeaderParser().parsebytes(head.removeprefix(b"\r\n"))
    if str(fields.get("Content-Transfer-Encoding", "")).strip().lower() not in _AS_IT_IS:
        raise invalid("the body has an encoded part; allowed: parts as they are (RFC 7578, section 4.7)")
    name = fields.get_param("name", header="content-disposition")
    return (name if isinstance(name, str) else ""), content


def _no_form() -> Exception:
    return invalid("the body is no multipart/form-data")
