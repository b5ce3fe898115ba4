"""IMAP commands as nobody should send them: of the right shape with odd words in it, of no shape at all, and bytes."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from mailserver_sim.imap.commands import COMMANDS, UID_COMMANDS
from tests.faults.seeds import SOAK

bounded = settings(
    max_examples=200 if SOAK else 60,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    database=None,
    derandomize=True,
)
"""One server for all examples: one that fails is not shrunk, for what came before may be part of it."""

# Those that end the connection, change its state or wait for a line are not sent.
_LEFT_OUT = {"AUTHENTICATE", "IDLE", "LOGIN", "LOGOUT", "STARTTLS"}
_NAMES = sorted({*COMMANDS, *(f"UID {name}" for name in UID_COMMANDS)} - _LEFT_OUT)
_OFTEN = ["FETCH", "SEARCH", "UID SEARCH", "STORE", "SORT", "THREAD", "LIST", "APPEND"]

_MAILBOX = ("INBOX", '"inbox"', "Ziel", "Ziel/a", "Neu", "&AOQ-", '"a b"', "a//b", "&AOQ", "INBOX/x")
# A copy into the same mailbox would double it each time.
_TARGET = ("Ziel", "Neu", "Ziel/a", "a//b", "Nowhere")
_PATTERN = ("*", "%", '"*"', "INB*", "(INBOX %)", '""', "()", "*%*%", "x" * 999)
_SET = ("1", "1:*", "*", "$", "2,1:3", "*:1", "4294967295", "0", "4294967296", "1,," + "1," * 300 + "1")
_FLAGS = ("(\\Seen)", "()", "\\Deleted", "(\\Flagged $Label1 custom)", "(\\Recent)", "(\\Foo)", "(" + "a " * 300 + "b)")
_TEXT = ("one", '"Re: one"', '"a\\"b"', '""', "{3+}\r\none", "{0+}\r\n", "{2+}\r\n\xff\xfe", '"' + "y" * 3000 + '"')
_DATE = ("1-Jan-2020", '"03-Nov-2026"', "31-Feb-2020", "x")
_NUMBER = ("0", "1", "86400", "4294967295", "x")
_GOOD_KEY = (
    *("ALL", "SEEN", "UNSEEN", "DELETED", "RECENT", "NEW", "OLD", "(SEEN UNSEEN)", "NOT SEEN", "OR SEEN ALL"),
    *("SUBJECT one", "FROM netz", "TEXT x", "BODY x", "HEADER Subject one", "KEYWORD $Label1", "UID 1:*", "UID $", "$"),
    *("SENTSINCE 1-Jan-2020", "BEFORE 1-Jan-2020", "LARGER 100", "OLDER 1", "YOUNGER 4294967295", "MODSEQ 1"),
)
_KEY = (
    *_GOOD_KEY,
    *_GOOD_KEY,
    *("NOT (1 2)", "NOT " * 60 + "SEEN", "UID", "FOO", *_SET),
    *(f"SUBJECT {text}" for text in _TEXT),
    *(f"BODY {text}" for text in _TEXT),
    *(f"SENTSINCE {date}" for date in _DATE),
    *(f"YOUNGER {number}" for number in _NUMBER),
    *(f"MODSEQ {number}" for number in (*_NUMBER, "9" * 19, '"/flags/\\\\seen" all 1', '"/flags/x" FOO 1')),
)
_ITEM = (
    *("FLAGS", "ALL", "FULL", "FAST", "(UID FLAGS INTERNALDATE RFC822.SIZE)", "ENVELOPE", "BODY", "BODYSTRUCTURE"),
    *("BODY[]", "RFC822", "BODY.PEEK[1.2.MIME]<0.5>", "BODY.PEEK[HEADER.FIELDS (Subject X)]", "(BODY[1] BODY[9.9.9])"),
    *("BODY[HEADER.FIELDS.NOT (a)]<5.99999>", "BODY[TEXT]<4294967295.4294967295>", "()", "(FLAGS", "BODY[", "BODY[0]"),
)
_RETURN = (
    "RETURN ()",
    "RETURN (ALL)",
    "RETURN (MIN MAX COUNT SAVE)",
    "RETURN (SAVE)",
    "RETURN (ALL SAVE)",
    "RETURN (FOO)",
)
_CHARSET = ("UTF-8", "UTF-8", "US-ASCII", "ISO-8859-1", "KOI8-R")
_LITERAL = (
    "{5+}\r\nhello",
    "{0+}\r\n",
    "{30+}\r\nSubject: x\r\nFrom: (((\r\n\r\nbody",
    "{3}",
    "{999999999}",
    "{-1}",
    "x",
)

Pool = Sequence[str]
_SHAPES: dict[str, tuple[Pool, ...]] = {
    **dict.fromkeys(("CREATE", "DELETE", "SUBSCRIBE", "UNSUBSCRIBE", "GETQUOTA", "GETQUOTAROOT"), (_MAILBOX,)),
    **dict.fromkeys(("SELECT", "EXAMINE"), (_MAILBOX, ("", "", "(CONDSTORE)", "(FOO)"))),
    "ENABLE": (("CONDSTORE", "UTF8=ACCEPT", "FOO", ""),),
    "RENAME": (_MAILBOX, _MAILBOX),
    "STATUS": (_MAILBOX, ("(MESSAGES)", "(HIGHESTMODSEQ SIZE)", "()", "(FOO)")),
    "LIST": (
        ("", "(SUBSCRIBED RECURSIVEMATCH)", "(SPECIAL-USE)", "()", "(FOO)"),
        ('""', "Ziel/"),
        _PATTERN,
        ("", "RETURN (SUBSCRIBED CHILDREN)", "RETURN (STATUS (MESSAGES))", "RETURN (FOO)"),
    ),
    "LSUB": (('""', "Ziel/"), _PATTERN),
    "APPEND": (_MAILBOX, ("", *_FLAGS), ("", '"05-Nov-2026 00:30:00 +0100"', '"x"'), _LITERAL, ("", "", *_LITERAL)),
    "FETCH": (_SET, _ITEM, ("", "", "(CHANGEDSINCE 1)", "(CHANGEDSINCE x)")),
    "STORE": (_SET, ("", "", "(UNCHANGEDSINCE 1)", "(FOO 1)"), ("FLAGS", "+FLAGS", "-FLAGS.SILENT", "FOO"), _FLAGS),
    **dict.fromkeys(("COPY", "MOVE"), (_SET, _TARGET)),
    "SEARCH": (("", *_RETURN), ("", "", "CHARSET UTF-8", "CHARSET KOI8-R"), _KEY, _GOOD_KEY),
    "SORT": (("", *_RETURN), ("(DATE)", "(REVERSE SUBJECT FROM)", "()", "(FOO)"), _CHARSET, _GOOD_KEY),
    "THREAD": (("REFERENCES", "ORDEREDSUBJECT", "FOO"), _CHARSET, _KEY),
    "UID EXPUNGE": (_SET,),
}
_STRAY = ("(", ")", '"', '"\\', "{", "[", "]", "\\*", "%", " ", "", "NIL", "\x00", "x" * 2000, "(" * 200)


def _shaped(name: str) -> st.SearchStrategy[list[str]]:
    pools = _SHAPES.get(name, _SHAPES.get(name.removeprefix("UID "), ()))
    words = st.tuples(*(st.sampled_from(pool) for pool in pools))
    return words.map(lambda chosen: [name, *filter(None, chosen)])


def _disturbed(words: list[str], at: int, stray: str) -> list[str]:
    """Put something where it does not belong; at 0 nothing, so that the command stays as it is."""
    return words if not at else [*words[:at], stray, *words[at:]]


def _bytes(words: list[str]) -> bytes:
    return " ".join(words).encode("latin-1")


_whole = st.sampled_from([*_NAMES, *_OFTEN * 3]).flatmap(_shaped)
_odd = st.builds(_disturbed, _whole, st.integers(1, 4), st.sampled_from(_STRAY))
_noise = st.binary(max_size=40).map(lambda noise: noise.replace(b"\n", b"").replace(b"\r", b""))

commands = st.one_of(_whole.map(_bytes), _whole.map(_bytes), _odd.map(_bytes), _noise)
