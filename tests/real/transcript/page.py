"""``docs/imap-differences.md``, written from what both servers answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.real.transcript.reasons import REASONS
from tests.real.transcript.servers import Compared

PAGE = Path(__file__).parents[3] / "docs" / "imap-differences.md"

_INTRODUCTION = """\
# IMAP: where the mail server differs from Dovecot

The same commands go to the lab's mail server and to a Dovecot 2.3, {steps} of them, {files} scripts with an account of
their own each; every answer is compared. What is below is every difference that is left, with its reason. This page is
written by `python -m tests.real.transcript`; `tests/real/test_imap_transcript.py` fails for a difference that is not
here, and for one that is here and no longer true. The scripts are `tests/real/transcript/*.txt`.

Not compared, because a server may choose: the text for people, the values of UIDVALIDITY and MODSEQ, `\\Marked` and
`\\UnMarked`, the order of untagged responses, flags, items and SEARCH results, quoted string or literal, the case of
MIME's names, the time zone of INTERNALDATE, RECENT outside of SELECT, when HIGHESTMODSEQ is told, the remark CLIENTBUG,
and what belongs to extensions that only one of the two has (CAPABILITY, CLOSED). `␤` is the end of a line.
"""


def page(compared: Sequence[Compared]) -> str:
    """Return the page."""
    scripts = {each.step.script for each in compared}
    return "\n".join([_INTRODUCTION.format(steps=len(compared), files=len(scripts)), *_sections(compared)])


def _sections(compared: Sequence[Compared]) -> Iterator[str]:
    for reason, text in REASONS.items():
        rows = [_row(each) for each in compared if each.differs and each.step.reason == reason]
        if rows:
            yield f"## {reason.replace('-', ' ').capitalize()}\n"
            yield f"{text}\n"
            yield "| script | command | ours | Dovecot |\n|---|---|---|---|"
            yield "\n".join(rows) + "\n"


def _row(compared: Compared) -> str:
    ours = [line for line in compared.ours if line not in compared.dovecot]
    theirs = [line for line in compared.dovecot if line not in compared.ours]
    cells = (compared.step.script, _code([compared.step.name]), _code(ours), _code(theirs))
    return f"| {' | '.join(cells)} |"


def _code(lines: Sequence[str]) -> str:
    return "<br>".join(f"`{line.replace('|', chr(92) + '|')}`" for line in lines) or "nothing"
