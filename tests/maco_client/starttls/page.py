"""The cases as ``docs/starttls-hardening.md``, written by ``python -m tests.maco_client.starttls``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from maco_client.settings import Protection
from tests.maco_client.starttls.case import PROTECTIONS, Case

PAGE = Path(__file__).parents[3] / "docs/starttls-hardening.md"

HEAD = """# STARTTLS hardened

STARTTLS begins in clear, so whoever sits in the way speaks first: he can answer in the server's place, take words out
and put words in. What MaCo must never do then is stated here case by case, for reading mails (IMAP, POP3) and for
sending them (SMTP). Each row is a test with a server that does exactly this (`tests/maco_client/starttls`), for
Protection STARTTLS Mandatory and STARTTLS Optional.

The rules behind it:

- Mandatory: no password, and no word of a mail, leaves MaCo before a TLS session with a verified certificate.
- Bytes behind the answer to STARTTLS end the connection: they could be anybody's.
- PREAUTH, untagged data, capabilities and referrals from before TLS are neither believed nor kept. Inside TLS, MaCo
  begins anew: capabilities and extensions are asked for again, and only what a command asks for is taken.
- A server's words from before TLS become MaCo's error text only where Java shows them too, in an error that ends the
  poll or the sending; the hint says then that they came in clear. ALERT and other untagged texts are shown nowhere.
- Optional keeps all of it once STARTTLS was asked for. What it cannot keep is the password where STARTTLS is not
  offered: it goes on in clear then, as the real MaCo does, with the mail too. That is why Optional is warned of.

The mail server's side of it (command injection) has tests of its own in `tests/mailserver_sim`.

This page is written by `python -m tests.maco_client.starttls`.
"""
POP3_HEAD = """\
The same rules hold for POP3's STLS (RFC 2595). It has no PREAUTH, no untagged data and no referrals; and JavaMail does
not repeat what a server says to STLS.
"""
READING, SENDING = "test_maco_never", "test_maco_never_sends"
COLUMNS = ("what happens", "described in", "MaCo never", "STARTTLS Mandatory", "STARTTLS Optional", "tests")


def page(by_imap: Iterable[Case], by_pop3: Iterable[Case], sending: Iterable[Case]) -> str:
    """Return the whole page."""
    return "\n".join(
        (
            HEAD,
            "## Reading: IMAP\n",
            *_table(by_imap, READING, "the poll succeeds"),
            "\n## Reading: POP3\n",
            POP3_HEAD,
            *_table(by_pop3, READING, "the poll succeeds"),
            "\n## Sending: SMTP\n",
            *_table(sending, SENDING, "the mail is sent"),
            "",
        )
    )


def id_of(case: Case, protection: Protection) -> str:
    """Return the ID of the test of a case."""
    return f"{case.name}-{protection.removeprefix('STARTTLS ').lower()}"


def _table(cases: Iterable[Case], test: str, success: str) -> Iterator[str]:
    yield from (_line(COLUMNS), "|---" * len(COLUMNS) + "|")
    yield from (_line(_cells(case, test, success)) for case in cases)


def _cells(case: Case, test: str, success: str) -> tuple[str, ...]:
    tests = " ".join(f"`{test}[{id_of(case, protection)}]`" for protection in PROTECTIONS)
    endings = [_ending(case, protection, success) for protection in PROTECTIONS]
    return (case.attack, case.source, case.never, *endings, tests)


def _ending(case: Case, protection: Protection, success: str) -> str:
    outcome = case.outcome(protection)
    ends = success if outcome.succeeds else f"ends at `{outcome.stage}`: `{outcome.error}`"
    return f"{ends}; password: {outcome.credential.value}"


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(each.replace("|", "\\|") for each in cells) + " |"
