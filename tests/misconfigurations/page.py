"""The table of misconfigurations as ``docs/misconfigurations.md``, written by ``python -m tests.misconfigurations``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tests.misconfigurations.row import Refused, Row
from tests.misconfigurations.table import HOPS

PAGE = Path(__file__).parents[2] / "docs/misconfigurations.md"

HEAD = """# Misconfigurations

What is set wrong, what it looks like in each of the three systems, and which setting puts it right. Start from what
MaCo shows: search this page for its text. One and the same text may have several causes; what the Cloud Connector and
the mail server show at the same time tells them apart.

Every row is a test (`tests/misconfigurations`): it changes the [lab file](lab-file.md) by this one mistake and by
nothing else, lets MaCo poll, and compares. "…" stands for what differs from run to run. A TLS alert is the one that
was on the wire; in brackets the one that Java, and so the real MaCo, sends in its place. "Java's line" is what the
real MaCo logs: the text with the names of Java's classes, or the warning that is all it has of a folder that cannot
be opened ([why ours fails there](decisions/0082-a-folder-that-cannot-be-opened-fails-the-poll.md)). "Nothing" means
that this system has nothing to tell of the poll. "MaCo judges as OpenSSL" is `maco.verification: openssl`, which the
real one has not: such a row says what other programs make of the same certificate. [The failure
matrix](failure-matrix.md) shows the same from the wire's side, with mistakes that no setting makes.

"Password sent" tells whether bytes that carry the mailbox password were sent, by MaCo's own account and by the mail
server's.

This page is written by `python -m tests.misconfigurations`.
"""
COLUMNS = (
    "no.",
    "what is set wrong",
    "in which system",
    "MaCo shows",
    "Cloud Connector shows",
    "mail server shows",
    "password sent",
    "the setting to correct",
)


COLUMNS_OF_REFUSED = ("no.", "what is set wrong", "in which system", "what it says", "the setting to correct")


def page(rows: Iterable[Row], refused: Iterable[Refused]) -> str:
    """Return the whole page."""
    found = list(rows)
    parts = [HEAD]
    for hop, title in HOPS.items():
        lines = [_line(_cells(row)) for row in found if row.hop == hop]
        head = [_line(COLUMNS), "|---" * len(COLUMNS) + "|"]
        parts.append("\n".join([f"## {title}\n", *head, *lines]) + "\n")
    lines = [_line((each.number, each.wrong, each.system, f"`{each.told}`", each.correct)) for each in refused]
    head = [_line(COLUMNS_OF_REFUSED), "|---" * len(COLUMNS_OF_REFUSED) + "|"]
    parts.append("\n".join(["## Refused when it is set\n", *head, *lines]) + "\n")
    return "\n".join(parts)


def _cells(row: Row) -> tuple[str, ...]:
    tunnel = f"its tunnel: {row.tunnel}" if row.tunnel else ""
    return (
        row.number,
        row.wrong,
        row.system,
        _maco(row),
        tunnel or row.connector or "nothing",
        row.mail_server or "nothing",
        "yes" if row.password_sent else "no",
        row.correct,
    )


def _maco(row: Row) -> str:
    if row.works:
        return "nothing: the poll succeeds"
    evidence = "".join(f"; {name}: {value}" for name, value in row.evidence)
    line = f"; Java's line: `{row.java_text}`" if row.java_text else ""
    return f"at step `{row.stage}`: `{row.maco}`{line}{evidence}"


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(each.replace("|", "\\|") for each in cells) + " |"
