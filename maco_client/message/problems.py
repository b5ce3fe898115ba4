"""What is wrong with a mail, in the words of those who would stumble over it.

The rule: a problem is a property of the mail, never an error. ``unreadable`` marks those at which JavaMail throws, and
with it Camel where it skips no failed message; the texts are JavaMail's there.
"""

from __future__ import annotations

import email.errors
import email.message
from collections.abc import Iterator
from dataclasses import dataclass

from maco_client.imap import cut, printable
from maco_client.message.parts import charset_of, content, decode, every, leaves, parse

EXAMINED_BYTES = 1024 * 1024
"""How much of a mail is looked at: its parts take several times that in memory."""
MOST_PROBLEMS = 20
LONGEST_PROBLEM = 200


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong."""

    text: str
    unreadable: bool = False


_DEFECTS: dict[type[email.errors.MessageDefect], Problem] = {
    email.errors.NoBoundaryInMultipartDefect: Problem("MessagingException: Missing boundary parameter", True),
    email.errors.StartBoundaryNotFoundDefect: Problem("MessagingException: Missing start boundary", True),
    email.errors.CloseBoundaryNotFoundDefect: Problem("the end boundary of a multipart is missing"),
    email.errors.InvalidMultipartContentTransferEncodingDefect: Problem("a multipart has a transfer encoding"),
    email.errors.FirstHeaderLineIsContinuationDefect: Problem("the header begins with a continuation line"),
    email.errors.MisplacedEnvelopeHeaderDefect: Problem("a 'From ' line stands in the header"),
    email.errors.MissingHeaderBodySeparatorDefect: Problem("a line of the header is no field"),
    email.errors.InvalidBase64PaddingDefect: Problem("base64 without its padding"),
    email.errors.InvalidBase64CharactersDefect: Problem("base64 with other characters"),
    email.errors.InvalidBase64LengthDefect: Problem("DecodingException: BASE64Decoder: Error in encoded stream", True),
}
_ENDS = (email.errors.CloseBoundaryNotFoundDefect, email.errors.InvalidBase64LengthDefect)
"""What is found in every mail whose end is not looked at."""
_FOLLOWS = email.errors.MultipartInvariantViolationDefect
"""Never stands alone: it is the consequence of a boundary that is missing."""
_KNOWN_ENCODINGS = frozenset(
    {"7bit", "8bit", "binary", "base64", "quoted-printable", "uuencode", "x-uuencode", "x-uue", "uue"}
)


def problems_in(raw: bytes, *, is_whole: bool = True) -> tuple[Problem, ...]:
    """Return what is wrong with a mail, each thing once; with ``is_whole`` False its end is missing."""
    message = parse(raw)
    if message is None:
        return (Problem("the mail has more or deeper parts than are looked at", True),)
    found: dict[Problem, None] = {}
    for problem in _problems(message, is_whole=is_whole):
        found[Problem(cut(printable(problem.text.encode("utf-8", "replace")), LONGEST_PROBLEM), problem.unreadable)] = (
            None
        )
        if len(found) == MOST_PROBLEMS:
            break
    return tuple(found)


def _problems(message: email.message.Message, *, is_whole: bool) -> Iterator[Problem]:
    if not message.keys():
        yield Problem("there is no header")
    for part in leaves(message):
        yield from _of_content(part)
    for part in every(message):
        for defect in part.defects:
            if (is_whole or not isinstance(defect, _ENDS)) and not isinstance(defect, _FOLLOWS):
                yield _DEFECTS.get(type(defect), Problem(type(defect).__name__))


def _of_content(part: email.message.Message) -> Iterator[Problem]:
    encoding = str(part.get("Content-Transfer-Encoding", "7bit")).strip().lower()
    if encoding not in _KNOWN_ENCODINGS:
        yield Problem(f"IOException: Unknown encoding: {encoding}", unreadable=True)
    if part.is_multipart():
        return
    raw = content(part)  # also lets the parser see defects of the encoding
    if part.get_content_maintype() == "text":
        decoded = decode(raw, charset_of(part))
        if decoded.fault == "unknown":
            yield Problem(f"UnsupportedEncodingException: {decoded.charset}", unreadable=True)
        elif decoded.fault:
            yield Problem(f"a text has bytes that are not {decoded.charset}")
