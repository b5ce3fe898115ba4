"""What the server can do, by the names of CAPABILITY: the one table that answer, tests and documentation come from.

Announced is what is implemented: every command named here is in the table of commands, and a test exercises each row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mailserver_sim.sasl import login_allowed, offered
from mailserver_sim.settings import MailServerSettings


@dataclass(frozen=True, slots=True)
class Situation:
    """What decides on the announcement: the settings, and where a connection is.

    ``password_allowed``: under TLS, or at an old server that has no STARTTLS.
    """

    settings: MailServerSettings
    logged_in: bool
    password_allowed: bool


def _always(_situation: Situation) -> bool:
    return True


def _short_literals(situation: Situation) -> bool:
    return not situation.settings.literal_plus


def _all_literals(situation: Situation) -> bool:
    return situation.settings.literal_plus


def _starttls(situation: Situation) -> bool:
    return not situation.logged_in and not situation.password_allowed


def _no_login(situation: Situation) -> bool:
    # RFC 3501, section 6.2.3: LOGINDISABLED where LOGIN would be refused.
    return not situation.logged_in and not (situation.password_allowed and login_allowed(situation.settings))


def _auth(mechanism: str) -> Callable[[Situation], bool]:
    def announced(situation: Situation) -> bool:
        # No AUTH= that would send a password before TLS is on, and none behind the login.
        return not situation.logged_in and situation.password_allowed and mechanism in offered(situation.settings)

    return announced


@dataclass(frozen=True, slots=True)
class Capability:
    """One name of the CAPABILITY answer; ``commands`` are those that come with it, ``value`` stands behind a ``=``."""

    name: str
    source: str
    what: str
    commands: tuple[str, ...] = ()
    announced: Callable[[Situation], bool] = _always
    value: Callable[[MailServerSettings], int] | None = None

    def text(self, settings: MailServerSettings) -> str:
        """Write the name, with its value."""
        return self.name if self.value is None else f"{self.name}={self.value(settings)}"


CAPABILITIES: tuple[Capability, ...] = (
    Capability(
        "IMAP4rev1",
        "RFC 3501",
        "all commands of the base protocol",
        (
            *("CAPABILITY", "NOOP", "LOGOUT", "AUTHENTICATE", "LOGIN", "SELECT", "EXAMINE", "CREATE", "DELETE"),
            *("RENAME", "SUBSCRIBE", "UNSUBSCRIBE", "LIST", "LSUB", "STATUS", "APPEND", "CHECK", "CLOSE", "EXPUNGE"),
            *("SEARCH", "FETCH", "STORE", "COPY"),
        ),
    ),
    Capability("ID", "RFC 2971", "tells the server's name; what the client tells is not kept", ("ID",)),
    Capability("IDLE", "RFC 2177", "changes as they happen, a sign of life in between", ("IDLE",)),
    # RFC 7888, section 5: only one of the two is announced.
    Capability("LITERAL-", "RFC 7888", "literals of up to 4096 bytes without waiting", announced=_short_literals),
    Capability("LITERAL+", "RFC 7888", "literals of any size without waiting", announced=_all_literals),
    Capability("NAMESPACE", "RFC 2342", "one personal namespace", ("NAMESPACE",)),
    Capability("SASL-IR", "RFC 4959", "an initial response in AUTHENTICATE", ("AUTHENTICATE",)),
    Capability("UIDPLUS", "RFC 4315", "UID EXPUNGE, APPENDUID, COPYUID", ("UID EXPUNGE",)),
    Capability("UNSELECT", "RFC 3691", "closes a mailbox and removes nothing", ("UNSELECT",)),
    Capability("CHILDREN", "RFC 3348", "`\\HasChildren` and `\\HasNoChildren` in LIST", ("LIST",)),
    Capability(
        "APPENDLIMIT",
        "RFC 7889",
        "the largest message, in bytes; STATUS APPENDLIMIT",
        ("APPEND", "STATUS"),
        value=lambda settings: settings.max_message_bytes,
    ),
    Capability("ENABLE", "RFC 5161", "CONDSTORE and UTF8=ACCEPT can be enabled", ("ENABLE",)),
    Capability("MOVE", "RFC 6851", "moves messages in one step", ("MOVE", "UID MOVE")),
    Capability(
        "CONDSTORE",
        "RFC 7162",
        "MODSEQ, HIGHESTMODSEQ, CHANGEDSINCE, UNCHANGEDSINCE with MODIFIED, SEARCH MODSEQ; no QRESYNC",
        ("FETCH", "STORE", "SEARCH", "SELECT", "EXAMINE", "STATUS"),
    ),
    Capability("MULTIAPPEND", "RFC 3502", "several messages, all or none", ("APPEND",)),
    Capability(
        "UTF8=ACCEPT",
        "RFC 6855",
        "once enabled: mailbox names in UTF-8, APPEND with UTF8",
        ("APPEND", "LIST", "LSUB", "STATUS"),
    ),
    Capability("QUOTA", "RFC 9208", "one quota root per account with limits", ("GETQUOTA", "GETQUOTAROOT")),
    Capability("QUOTA=RES-STORAGE", "RFC 9208", "limit of bytes; STATUS DELETED-STORAGE", ("GETQUOTA", "STATUS")),
    Capability("QUOTA=RES-MESSAGE", "RFC 9208", "limit of messages; STATUS DELETED", ("GETQUOTA", "STATUS")),
    Capability("STATUS=SIZE", "RFC 8438", "STATUS SIZE, in bytes", ("STATUS",)),
    Capability("ESEARCH", "RFC 4731", "SEARCH with RETURN: MIN, MAX, ALL, COUNT", ("SEARCH", "UID SEARCH")),
    Capability("SEARCHRES", "RFC 5182", "SEARCH with SAVE, and `$` for what was found", ("SEARCH", "FETCH")),
    Capability("WITHIN", "RFC 5032", "SEARCH by age: OLDER and YOUNGER", ("SEARCH",)),
    Capability("SORT", "RFC 5256", "messages in order", ("SORT", "UID SORT")),
    Capability("ESORT", "RFC 5267", "SORT with RETURN", ("SORT", "UID SORT")),
    Capability("THREAD=ORDEREDSUBJECT", "RFC 5256", "conversations by subject", ("THREAD", "UID THREAD")),
    Capability("THREAD=REFERENCES", "RFC 5256", "conversations by who answers whom", ("THREAD", "UID THREAD")),
    Capability("LIST-EXTENDED", "RFC 5258", "LIST with options and several patterns", ("LIST",)),
    Capability("LIST-STATUS", "RFC 5819", "LIST with the numbers of STATUS", ("LIST",)),
    Capability("SPECIAL-USE", "RFC 6154", "which mailboxes are for drafts, sent mail, ...; a setting", ("LIST",)),
    Capability("AUTH=PLAIN", "RFC 4616", "user and password", ("AUTHENTICATE",), _auth("PLAIN")),
    Capability("AUTH=LOGIN", "draft-murchison-sasl-login", "the same, asked for", ("AUTHENTICATE",), _auth("LOGIN")),
    Capability("AUTH=CRAM-MD5", "RFC 2195", "proof of the password", ("AUTHENTICATE",), _auth("CRAM-MD5")),
    Capability("AUTH=XOAUTH2", "Google, Microsoft", "user and bearer token", ("AUTHENTICATE",), _auth("XOAUTH2")),
    Capability("AUTH=OAUTHBEARER", "RFC 7628", "bearer token", ("AUTHENTICATE",), _auth("OAUTHBEARER")),
    Capability("STARTTLS", "RFC 3501", "begins TLS", ("STARTTLS",), _starttls),
    Capability("LOGINDISABLED", "RFC 3501", "LOGIN is refused", ("LOGIN",), _no_login),
)


def capability_names(situation: Situation) -> list[str]:
    """Return what is announced in this situation."""
    return [each.text(situation.settings) for each in CAPABILITIES if each.announced(situation)]
