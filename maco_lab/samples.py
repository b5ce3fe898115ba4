"""A market message to send: an envelope-correct, invented MSCONS in a mail as the energy market writes it.

Subject and file name follow the rules of facts, section 5.2 (one attachment, subject = file name); IDs are invented
(9900000000001 and 2) and the test flag of UNB is set. It is EDIFACT-like: not complete by any application handbook.
"""

from __future__ import annotations

import datetime as dt
import email.message
import email.policy
import email.utils
import secrets
import string

SENDER = "edifact@netz.example"
_ALPHABET = string.ascii_uppercase + string.digits


def random_reference(length: int = 10) -> str:
    """Return random capital letters and digits, as for DE0020 of UNB."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def sample_mail(recipient: str, *, now: dt.datetime, reference: str | None = None, canary: str = "") -> bytes:
    """Return a mail with one MSCONS attachment. ``canary`` is written on a line of its own, early in the body."""
    reference = reference or "M" + random_reference(9)
    name = f"MSCONS_TL_9900000000001_9900000000002_{now:%Y%m%d}_{reference}.txt"
    message = email.message.EmailMessage(email.policy.SMTP)
    message["From"] = SENDER
    message["To"] = recipient
    message["Subject"] = name
    message["Date"] = email.utils.format_datetime(now)
    message["Message-ID"] = f"<{reference}@netz.example>"
    message.set_content(f"{canary}\n" if canary else "The market message is in the attachment.\n")
    content = _mscons(reference, now).encode("iso-8859-1")
    message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def _mscons(reference: str, now: dt.datetime) -> str:
    begin, end = (f"{now - dt.timedelta(days=days):%Y%m%d}2300?+00" for days in (2, 1))
    segments = [
        "UNH+1+MSCONS:D:04B:UN:2.5",
        f"BGM+7+{reference}-1+9",
        f"DTM+137:{now:%Y%m%d%H%M}?+00:303",
        "RFF+Z13:13002",
        "NAD+MS+9900000000001::293",
        "NAD+MR+9900000000002::293",
        "UNS+D",
        "NAD+DP",
        "LOC+172+51238696781",
        "LIN+1",
        "PIA+5+1-1?:1.8.0:SRW",
        "QTY+220:12345.678:KWH",
        f"DTM+163:{begin}:303",
        f"DTM+164:{end}:303",
    ]
    segments.append(f"UNT+{len(segments) + 1}+1")
    head = f"UNB+UNOC:3+9900000000001:500+9900000000002:500+{now:%y%m%d}:{now:%H%M}+{reference}++TL++++1"
    return "UNA:+.? '" + "".join(f"{segment}'" for segment in [head, *segments, f"UNZ+1+{reference}"])
