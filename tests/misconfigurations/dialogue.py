"""Mistakes that show in the IMAP dialogue itself: Protection, login, folders, limits (hop 5)."""

from __future__ import annotations

from typing import Any

from maco_lab.testing.settings import Change
from tests.failures.scripted import both
from tests.failures.settings import INTERNAL_B, WAY_A, WAY_B, email_connection, email_server, mapping
from tests.misconfigurations.routing import IMPATIENT_MS
from tests.misconfigurations.row import NOTHING, PASSED_ON, STARTED, Row

BY_CONNECTOR = f"TLS verified against: …; opens TCPS to {INTERNAL_B}"
NOT_OFFERED = "STARTTLS required but not supported by server"
SIGNED_IN = f"{STARTED}; TLS; login succeeds"
REFUSED = f"{STARTED}; TLS; login refused"

_ADMINISTRATION = "mail server: its administration"
_CREDENTIAL = "MaCo, Security Material: user and password of the User Credentials; then the connection anew"
_FOLDER = "MaCo, Configure Email Connection: Folder"
_RIGHTS = "mail server: the user's rights in the mailbox"


def fault(step: str, **parameters: object) -> Change:
    """Let the mail server break at a step on the port of way A, always."""
    broken = {"step": step, "count": 0, "protocol": "imap", "parameters": parameters}
    return lambda data: data["mail_server"].update(faults=[broken])


def mail_server(**values: object) -> Change:
    """Change the mail server."""
    return lambda data: data["mail_server"].update(values)


def _wrong_password(data: dict[str, Any]) -> None:
    """Let MaCo log in with the password of the other mailbox: the lab looks for that one too."""
    strom, gas = data["maco"]["credentials"]
    strom["password"] = gas["password"]


def refused_login(number: str, code: str, wrong: str, text: str, correct: str) -> Row:
    """Return a login that the mail server refuses inside TLS, for a reason of RFC 5530."""
    return Row(
        number, "H5", "mail server", wrong, fault("login.refused", code=code),
        "login", f"AuthenticationFailedException: [{code}] {text}", correct,
        connector=PASSED_ON, mail_server=f"breaks at login.refused; {REFUSED}", answer=f"NO [{code}] {text}",
        password_sent=True,
    )  # fmt: skip


def folder(number: str, wrong: str, change: Change, **shown: Any) -> Row:
    """Return what fails behind a login that succeeds."""
    return Row(
        number, "H5", wrong=wrong, change=change, connector=PASSED_ON, password_sent=True,
        **({"system": "mail server", "mail_server": SIGNED_IN} | shown),
    )  # fmt: skip


def not_opened(text: str) -> str:
    """Return Camel's warning (facts, section 2.6)."""
    return f"Error opening mail folder due to {text}. Will re-create connection on next poll."


_ARCHIVE = email_connection(WAY_A, post_processing="Archive", archive_folder="Erledigt")

ROWS = (
    Row(
        "M09", "H5", "Cloud Connector", "the mapping is TCP, the internal port expects TLS at once; Protection is Off",
        both(mapping(WAY_B, protocol="TCP"), email_server(WAY_B, timeout_ms=IMPATIENT_MS)),
        "greeting", "Read timed out", "Cloud Connector, mapping: protocol TCP TLS, with Protection Off", way=WAY_B,
        connector=f"opens TCP to {INTERNAL_B}",
    ),
    Row(
        "M09b", "H5", "Cloud Connector", "the mapping is TCP to port 993, Protection is STARTTLS Mandatory",
        both(mapping(WAY_A, internal=INTERNAL_B), email_server(WAY_A, timeout_ms=IMPATIENT_MS)),
        "greeting", "Read timed out", "Cloud Connector, mapping: Internal Port 143",
        connector=f"opens TCP to {INTERNAL_B}",
    ),
    Row(
        "M11", "H5", "MaCo", "Protection is STARTTLS Mandatory, although the mapping is TCP TLS",
        email_connection(WAY_B, protection="STARTTLS Mandatory"),
        "starttls", NOT_OFFERED, "MaCo, Configure Email Connection: Protection Off", way=WAY_B,
        connector=BY_CONNECTOR, mail_server="TLS",
    ),
    Row(
        "M12", "H5", "MaCo", "Protection is STARTTLS Optional, although the mapping is TCP TLS: it works, by Off",
        email_connection(WAY_B, protection="STARTTLS Optional"),
        "done", NOTHING, "MaCo, Configure Email Connection: Protection Off", way=WAY_B,
        connector=BY_CONNECTOR, mail_server="TLS; login succeeds", works=True, password_sent=True,
    ),
    Row(
        "M30", "H5", "mail server", "it offers no STARTTLS, or somebody on the way takes it out",
        mail_server(offer_starttls=False),
        "starttls", NOT_OFFERED, "mail server: STARTTLS; the way to it", connector=PASSED_ON,
    ),
    Row(
        "M30b", "H5", "MaCo", "the same, and Protection is STARTTLS Optional: it works, in clear",
        both(mail_server(offer_starttls=False), email_connection(WAY_A, protection="STARTTLS Optional")),
        "done", NOTHING, "MaCo, Configure Email Connection: Protection STARTTLS Mandatory",
        connector=PASSED_ON, mail_server="login succeeds", works=True, password_sent=True,
    ),
    Row(
        "M31", "H5", "MaCo", "Protection is Off over a TCP mapping, and the mail server takes no password in clear",
        email_connection(WAY_A, protection="Off"),
        "login", "No login methods supported!", "MaCo, Configure Email Connection: Protection STARTTLS Mandatory",
        connector=PASSED_ON,
    ),
    Row(
        "M32", "H5", "MaCo", "Protection is Off over a TCP mapping, and the mail server says so only at the login",
        both(mail_server(offer_starttls=False), email_connection(WAY_A, protection="Off"),
             fault("login.refused", code="PRIVACYREQUIRED")),
        "login", "AuthenticationFailedException: [PRIVACYREQUIRED] No password is taken without TLS",
        "MaCo, Configure Email Connection: Protection STARTTLS Mandatory; and another password",
        connector=PASSED_ON, mail_server="breaks at login.refused; login refused",
        answer="NO [PRIVACYREQUIRED] No password is taken without TLS", password_sent=True,
    ),
    Row(
        "M33", "H5", "mail server", "it offers STARTTLS and answers NO to it",
        fault("starttls.refused", answer="NO"),
        "starttls", "AuthenticationFailedException: TLS is not available", "mail server: its TLS set-up",
        connector=PASSED_ON, mail_server="breaks at starttls.refused; STARTTLS refused",
        answer="NO TLS is not available",
    ),
    Row(
        "M33b", "H5", "mail server", "it offers STARTTLS and answers BAD to it",
        fault("starttls.refused", answer="BAD"),
        "starttls", "… BAD TLS is not available", "mail server: its TLS set-up",
        connector=PASSED_ON, mail_server="breaks at starttls.refused; STARTTLS refused",
        answer="BAD TLS is not available",
    ),
    Row(
        "M33c", "H5", "mail server", "the same, and Protection is STARTTLS Optional: MaCo does not go on in clear",
        both(fault("starttls.refused", answer="NO"), email_connection(WAY_A, protection="STARTTLS Optional")),
        "starttls", "AuthenticationFailedException: TLS is not available", "mail server: its TLS set-up",
        connector=PASSED_ON, mail_server="breaks at starttls.refused; STARTTLS refused",
        answer="NO TLS is not available",
    ),
    Row(
        "M34", "H5", "MaCo", "the password is wrong",
        _wrong_password,
        "login", "AuthenticationFailedException: [AUTHENTICATIONFAILED] …", _CREDENTIAL,
        connector=PASSED_ON, mail_server=REFUSED, answer="NO [AUTHENTICATIONFAILED] …", password_sent=True,
    ),
    Row(
        "M34b", "H5", "MaCo", "the user is wrong",
        lambda data: data["maco"]["credentials"][0].update(user="strom@stadtwerk.example"),
        "login", "AuthenticationFailedException: [AUTHENTICATIONFAILED] …", _CREDENTIAL,
        connector=PASSED_ON, mail_server=REFUSED, answer="NO [AUTHENTICATIONFAILED] …", password_sent=True,
    ),
    Row(
        "M35", "H5", "MaCo", "Authentication is Encrypted User/Password, and the mail server has no such login",
        email_connection(WAY_A, authentication="Encrypted User/Password"),
        "login", "No login methods supported!",
        "MaCo, Configure Email Connection: Authentication Plain User Name/Password, inside TLS",
        connector=PASSED_ON, mail_server=f"{STARTED}; TLS",
    ),
    refused_login("M36", "UNAVAILABLE", "a service behind its login is down",
                  "The service behind the login does not answer", _ADMINISTRATION),
    refused_login("M36b", "CONTACTADMIN", "the account is locked",
                  "Ask the administrator about this account", _ADMINISTRATION),
    refused_login("M36c", "EXPIRED", "the password has expired",
                  "The password has expired", f"mail server: a new password; {_CREDENTIAL}"),
    refused_login("M36d", "AUTHORIZATIONFAILED", "the user may not open this mailbox",
                  "You may not open this mailbox", _RIGHTS),
    Row(
        "M37", "H5", "mail server", "it takes no more connections of this user",
        fault("greeting.bye"),
        "greeting", "MessagingException: * BYE [UNAVAILABLE] Not now",
        "MaCo, Configure Email Connection: poll less often; mail server: its limits",
        connector=PASSED_ON, mail_server="breaks at greeting.bye", answer="* BYE [UNAVAILABLE] Not now",
    ),
    folder("M38", "Folder is misspelt, or missing", email_connection(WAY_A, folder="Marktnachrichten"), system="MaCo",
           stage="folder", maco="FolderNotFoundException: Folder not found or invalid: Marktnachrichten",
           correct=_FOLDER),
    folder("M38b", "Folder has another hierarchy separator than the mail server",
           email_connection(WAY_A, folder="INBOX.Markt"), system="MaCo",
           stage="folder", maco="FolderNotFoundException: Folder not found or invalid: INBOX.Markt", correct=_FOLDER),
    folder("M39", "the folder is for reading only", fault("mailbox.read_only"),
           mail_server=f"breaks at mailbox.read_only; {SIGNED_IN}",
           stage="select", maco="ReadOnlyFolderException: Cannot open in desired mode",
           java_text=not_opened("Cannot open in desired mode"), correct=_RIGHTS),
    folder("M39b", "the user has no rights in the folder", fault("mailbox.no_rights"),
           mail_server=f"breaks at mailbox.no_rights; {SIGNED_IN}",
           stage="select", maco="… NO [NOPERM] You have no rights in this mailbox", correct=_RIGHTS,
           java_text=not_opened("… NO [NOPERM] You have no rights in this mailbox"),
           answer="NO [NOPERM] You have no rights in this mailbox"),
    folder("M40", "another session holds the mailbox", fault("mailbox.locked"),
           mail_server=f"breaks at mailbox.locked; {SIGNED_IN}",
           stage="select", maco="… NO [INUSE] The mailbox is locked",
           java_text=not_opened("… NO [INUSE] The mailbox is locked"), answer="NO [INUSE] The mailbox is locked",
           correct="wait for the next poll; mail server: its locks"),
    folder("M41", "Archive Folder is missing, and the user may not create it",
           both(fault("mailbox.not_created"), _ARCHIVE), mail_server=f"breaks at mailbox.not_created; {SIGNED_IN}",
           stage="post_process", maco="… NO [NOPERM] You may not create mailboxes",
           answer="NO [NOPERM] You may not create mailboxes",
           correct="MaCo, Configure Email Connection: Archive Folder; mail server: the user's rights"),
    Row(
        "M46b", "H5", "MaCo", "Timeout is shorter than the mail server's answers take",
        both(fault("answer.slow", delay_s=2), email_server(WAY_A, timeout_ms=IMPATIENT_MS)),
        "capability", "Read timed out", "MaCo, Configure Email Server: Timeout (in ms)",
        connector=PASSED_ON, mail_server="breaks at answer.slow",
    ),
    folder("M51", "the mailbox is full, so that nothing can be archived", both(fault("mailbox.over_quota"), _ARCHIVE),
           mail_server=f"breaks at mailbox.over_quota; {SIGNED_IN}",
           stage="post_process", maco="… NO [OVERQUOTA] The mailbox is full",
           answer="NO [OVERQUOTA] The mailbox is full",
           correct="mail server: the mailbox's quota"),
)  # fmt: skip
