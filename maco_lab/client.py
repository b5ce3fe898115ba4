"""What the other commands do with a lab that runs: poll, send, down. They read its note and speak to it."""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import email.utils
import re
import smtplib
import time
from pathlib import Path
from typing import Any

from maco_lab.control import ask
from maco_lab.samples import SENDER, sample_mail
from maco_lab.state import RunNote, StateFolder

POLL_S = 600.0
CAPTURE_S = 60.0
EXPORT_S = 60.0
SMTP_S = 30.0
DOWN_S = 5.0
_LOOK_EVERY_S = 0.02

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
ADDRESS = rf"{_ATOM}(\.{_ATOM})*@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*"
"""A mail address without quotes (dot-atom of RFC 5322, section 3.4.1): what `email` can write, whatever is in it."""


class NoLabError(Exception):
    """No lab runs in this state folder."""


class SendError(Exception):
    """The mail server did not take a mail; the text says why."""


def running_note(state: StateFolder) -> RunNote:
    """Return the note of the running lab. Raises NoLabError."""
    note = state.read_note()
    if note is None:
        raise NoLabError(f"no lab is running in {state.folder}: start one by `maco-lab up`")
    return note


def poll(note: RunNote, connections: list[str]) -> dict[str, Any]:
    """Let MaCo poll the named connections now, all of them if none is named. Raises ControlError."""
    return ask(note.control, {"command": "poll", "connections": connections}, timeout_s=POLL_S)


def capture(note: RunNote, out: Path, *, keys: bool) -> dict[str, Any]:
    """Let the running lab write what has passed so far to ``out``. Raises ControlError."""
    return ask(note.control, {"command": "capture", "out": str(out.absolute()), "keys": keys}, timeout_s=CAPTURE_S)


def export(note: RunNote) -> dict[str, Any]:
    """Let the running lab write itself as the text of a lab file. Raises ControlError."""
    return ask(note.control, {"command": "export"}, timeout_s=EXPORT_S)


def send(note: RunNote, recipient: str, mail: bytes | None) -> str:
    """Deliver a mail to the lab's mail server by SMTP; without one, a sample. Return its subject. Raises SendError."""
    if not re.fullmatch(ADDRESS, recipient):
        raise SendError(f"found recipient {recipient!r}, allowed: name@domain in ASCII without spaces")
    content = mail if mail is not None else sample_mail(recipient, now=dt.datetime.now(dt.UTC))
    message = email.message_from_bytes(content, policy=email.policy.default)
    sender = email.utils.parseaddr(str(message.get("From", "")))[1] or SENDER
    if "smtp" not in note.addresses:
        raise SendError("the mail server of this lab does not listen for SMTP (mail_server.ports.smtp)")
    host, port = note.addresses["smtp"]
    try:
        with smtplib.SMTP(host, port, timeout=SMTP_S) as server:
            server.sendmail(sender, [recipient], content)
    except smtplib.SMTPRecipientsRefused as error:
        code, answer = next(iter(error.recipients.values()))
        raise SendError(f"{recipient}: {_refused(code, answer)}") from error
    except smtplib.SMTPResponseException as error:
        raise SendError(_refused(error.smtp_code, error.smtp_error)) from error
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        raise SendError(f"the mail server at {host}:{port} did not take the mail: {error}") from error
    return str(message.get("Subject", ""))


def _refused(code: int, answer: bytes | str) -> str:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return f"refused by the mail server: {code} {text}"


def down(state: StateFolder, note: RunNote) -> bool:
    """Tell the lab to stop and wait until it has let go of its folder; False if it has not in time.

    It has ``DOWN_S`` beside the time that it gives to connections that run. Raises ControlError.
    """
    answer = ask(note.control, {"command": "down"}, timeout_s=DOWN_S)
    drain_s = answer.get("drain_s")
    end = time.monotonic() + DOWN_S + (drain_s if isinstance(drain_s, int | float) else 0)
    while state.is_locked:
        if time.monotonic() > end:
            return False
        time.sleep(_LOOK_EVERY_S)
    return True
