"""A server's bytes as text that is fit for a log line or a terminal."""

from __future__ import annotations

from maco_wire.exceptions import RemoteProtocolError

SHOWN_CHARACTERS = 200


def printable(raw: bytes) -> str:
    """Decode ``raw`` as UTF-8; whatever is no printable character becomes an escape, so that no terminal obeys it."""
    text = raw.decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def shortened(raw: bytes) -> str:
    """Return the beginning of ``raw`` as printable text."""
    return printable(raw[:SHOWN_CHARACTERS]) + ("…" if len(raw) > SHOWN_CHARACTERS else "")


def cut(text: str, longest: int) -> str:
    """Return ``text`` in at most ``longest`` characters, with an ellipsis where something is missing."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def broken(expected: str, got: bytes | str) -> RemoteProtocolError:
    """Return the error for a server that sent ``got`` where IMAP allows only ``expected``."""
    return RemoteProtocolError("IMAP", expected, got if isinstance(got, str) else repr(shortened(got)))
