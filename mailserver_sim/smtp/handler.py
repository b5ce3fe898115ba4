"""What happens to a mail: who may send it to whom, and that 250 comes only after the commit."""

from __future__ import annotations

import datetime as dt
import email.utils
import logging
import re
from typing import TYPE_CHECKING

from aiosmtpd.smtp import Envelope, Session, TLSSetupException

from mailserver_sim.credentials import Credentials
from mailserver_sim.faults.smtp import FULL, LOCKED
from mailserver_sim.smtp.utf8 import RECIPIENT_REFUSED, SENDER_REFUSED, with_protocol
from mailserver_sim.store.errors import OverQuota, StoreError
from mailserver_sim.store.store import Store
from mailserver_sim.store.values import Usage

if TYPE_CHECKING:
    from mailserver_sim.smtp.connection import SmtpConnection

MOST_RECIPIENTS = 100  # RFC 5321, section 4.5.3.1.8: at least 100
# RFC 3463, X.2.2: "Mailbox full". The user may delete something, so the sender is to try again.
_FULL = "452 4.2.2 Mailbox full"
# RFC 5321, section 4.2.3: 552 is "exceeded storage allocation", for good.
_TOO_LARGE = "552 5.2.2 More than the whole quota of the mailbox"
_SIZE = re.compile(r"SIZE=([0-9]{1,20})")  # RFC 1870, section 4

_log = logging.getLogger(__name__)


class MailHandler:
    """aiosmtpd's hooks. ``login_required`` is submission (RFC 6409); without it this is the MX of its own domains."""

    def __init__(self, host_name: str, store: Store, credentials: Credentials, *, login_required: bool) -> None:
        self._host_name = host_name
        self._store = store
        self._credentials = credentials
        self._login_required = login_required

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, _server: SmtpConnection, session: Session, _envelope: Envelope, host_name: str, lines: list[str]
    ) -> list[str]:
        """Announce what there is; aiosmtpd would announce AUTH with no mechanism on the MX."""
        session.host_name = host_name
        return lines if self._login_required else [line for line in lines if not line.startswith("250-AUTH")]

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _server: SmtpConnection, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept a sender."""
        if not (address.isascii() or envelope.smtp_utf8):
            return SENDER_REFUSED
        if self._login_required and not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SmtpConnection, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept a recipient who has a mailbox here; nothing is relayed."""
        if not (address.isascii() or envelope.smtp_utf8):
            return RECIPIENT_REFUSED
        account = self._credentials.recipient(address)
        if account is None:
            if self._credentials.is_local(address):
                return "550 5.1.1 No such user here"
            return "550 5.7.1 This server does not relay"
        if server.faults.strike(server, "mailbox.locked"):
            return LOCKED
        if server.faults.strike(server, "mailbox.over_quota"):
            return FULL
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        refusal = await self._without_room(account.user, envelope)
        if refusal:
            return refusal
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def _without_room(self, user: str, envelope: Envelope) -> str:
        """Return the refusal of a mail of the declared size for this user; empty when there is room."""
        quota = self._store.quota_of(user)
        if not quota.limits:
            return ""
        mail = Usage(_declared_size(envelope), 1)
        if not quota.allows(mail):
            return _TOO_LARGE
        return "" if quota.allows(await self._store.usage(user) + mail) else _FULL

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SmtpConnection, session: Session, envelope: Envelope
    ) -> str:
        """Store a mail, and answer when it is on the disk."""
        content = envelope.content
        assert isinstance(content, bytes)  # decode_data is off
        now = dt.datetime.now(dt.UTC)
        raw = self._trace(session, envelope, server, now) + content
        found = (self._credentials.recipient(address) for address in envelope.rcpt_tos)
        users = dict.fromkeys(account.user for account in found if account is not None)
        try:
            stored = await self._store.deliver(users, raw, now)
        except OverQuota as error:
            return _FULL if error.fits_when_empty else _TOO_LARGE
        except StoreError as error:
            server.reports.problem(str(error))
            return "451 4.3.0 The mail store failed"
        for each in stored:
            server.reports.mail_accepted(each, raw)
        return "250 2.0.0 OK, on the disk"

    def _trace(self, session: Session, envelope: Envelope, server: SmtpConnection, now: dt.datetime) -> bytes:
        """Return the trace fields that an SMTP server "MUST insert" (RFC 5321, section 4.4)."""
        protocol = with_protocol(session, envelope, tls_active=server.tls_active)
        peer = session.peer[0] if session.peer else "unknown"
        lines = [
            f"Return-Path: <{(envelope.mail_from or '').strip('<>')}>",
            f"Received: from {session.host_name or 'unknown'} ([{peer}])",
            f"\tby {self._host_name} with {protocol}; {email.utils.format_datetime(now)}",
        ]
        return "".join(f"{line}\r\n" for line in lines).encode("utf-8")

    async def handle_exception(self, error: Exception) -> str:
        """Answer a failure of this program; a failed handshake has been reported already."""
        if not isinstance(error, TLSSetupException):
            _log.error("an SMTP command failed through a defect of this program", exc_info=error)
        return "451 4.3.0 Internal error"


def _declared_size(envelope: Envelope) -> int:
    """Return the size that the client has declared with MAIL, 0 without."""
    found = (_SIZE.fullmatch(option) for option in envelope.mail_options)
    return max((int(size[1]) for size in found if size is not None), default=0)
