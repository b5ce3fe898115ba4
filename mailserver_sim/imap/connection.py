"""One IMAP connection: who is logged in, which mailbox is selected, and what a command may do."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from mailserver_sim.admission import Admission
from mailserver_sim.credentials import MOST_REFUSED_LOGINS, Credentials
from mailserver_sim.faults.imap import ImapFaults
from mailserver_sim.faults.plan import Faults
from mailserver_sim.imap.answers import Answer, bad, no, refusal
from mailserver_sim.imap.capabilities import Situation, capability_names
from mailserver_sim.imap.command import Command, State
from mailserver_sim.imap.commands import COMMANDS, UID_COMMANDS
from mailserver_sim.imap.enabling import CONDSTORE, UTF8_ACCEPT
from mailserver_sim.imap.pump import CommandPump, tag_of
from mailserver_sim.imap.reader import LiteralAnnounced
from mailserver_sim.imap.tls import ServerTls
from mailserver_sim.imap.tokens import Arguments, CommandSyntaxError
from mailserver_sim.imap.view import SelectedView
from mailserver_sim.imap.wire import mailbox_name
from mailserver_sim.open_connections import OpenConnections
from mailserver_sim.reports import Reporting
from mailserver_sim.settings import MailServerSettings
from mailserver_sim.store.errors import MailboxError, StoreError
from mailserver_sim.store.store import Store
from mailserver_sim.store.values import Change, Content, Listener

LONGEST_WITHOUT_WAITING = 4096
"""RFC 7888, section 5: the longest literal that LITERAL- lets a client send without being asked for it."""
_TAG_AND_NAME = re.compile(rb'([^\x00-\x20\x7f-\xff(){%*"\\+]+) ([A-Za-z]+)')
_APPEND = re.compile(rb"\S+ APPEND ", re.IGNORECASE)


@dataclass(eq=False)
class ImapServices:
    """What all IMAP connections of a server share."""

    settings: MailServerSettings
    store: Store
    credentials: Credentials
    reporting: Reporting
    tls: ServerTls
    connections: OpenConnections
    faults: Faults = field(default_factory=Faults)


class ImapConnection(CommandPump):
    """The session of one client."""

    def __init__(self, services: ImapServices, admission: Admission, *, implicit_tls: bool) -> None:
        super().__init__(services.settings, services.reporting, services.tls, implicit_tls=implicit_tls)
        self.store = services.store
        self.credentials = services.credentials
        self.session_state = State.NOT_AUTHENTICATED
        self.user = ""
        self.view: SelectedView | None = None
        self.running_tag = b""
        """The tag of the command that is being carried out."""
        self.faults = ImapFaults(services.faults, "imaps" if implicit_tls else "imap")
        self.starttls_missing = self.starttls_stripped = False  # by a scripted fault
        self.mailbox_changed: Callable[[], None] | None = None
        """Called at every change of the selected mailbox; without it the client is told with its next command."""
        self.after_answer: Callable[[], None] | None = None
        """Called once, when the answer to the running command has been sent."""
        self.last_content: tuple[tuple[int, int], Content] | None = None
        """The message fetched last, by mailbox and UID."""
        self.enabled: set[str] = set()
        """The extensions that the client has enabled (RFC 5161), or by using them (CONDSTORE)."""
        self._connections = services.connections
        self._admission = admission
        self._refused_logins = 0
        self._watched: tuple[int, Listener] | None = None

    # What happens to the connection.

    def ready(self) -> None:
        """Send the greeting, with the capabilities (RFC 3501, section 7.1)."""
        if self.faults.greets(self):
            return
        code = f"CAPABILITY {' '.join(self.capability_names())}"
        self.send_answer(b"*", Answer("OK", f"{self.settings.host_name} ready", code))

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """Count this connection among the server's."""
        self._connections.add(self)
        self._admission.admit(self)
        super().connectionMade()

    def plaintext_received(self, data: bytes) -> None:
        """Feed the reader and act on what it finds."""
        if self.user and not self.congested:  # who writes and never reads is not at work
            self.resetTimeout()
        super().plaintext_received(data)

    def writable_again(self) -> None:
        """Tell what happened in the meantime and take commands again."""
        if self.user:
            self.resetTimeout()
        if self.mailbox_changed is not None:
            self.mailbox_changed()
        super().writable_again()

    def hang_up_in_handshake(self) -> Callable[[], None] | None:
        """Ask the scripted faults."""
        return self.faults.hang_up_in_handshake(self)

    def connection_ended(self) -> None:
        """Leave the mailbox, and end the command that waits for a line."""
        self.close_mailbox()
        super().connection_ended()

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802 - Twisted's name
        """Count this connection no longer."""
        super().connectionLost(reason)
        self._connections.discard(self)
        self._admission.leave(self)

    # What commands use.

    @property
    def password_allowed(self) -> bool:
        """Tell whether a password may be sent: under TLS, or to an old server that has no STARTTLS."""
        return self.tls_active or not self.settings.offer_starttls

    def capability_names(self) -> list[str]:
        """Return what is announced in the present state."""
        logged_in = self.session_state is not State.NOT_AUTHENTICATED
        names = capability_names(Situation(self.settings, logged_in, self.password_allowed))
        return self.faults.capabilities(self, names)

    @property
    def condstore(self) -> bool:
        """Tell whether FETCH responses that nobody asked for have MODSEQ (RFC 7162, section 3.1)."""
        return CONDSTORE in self.enabled

    def mailbox_name(self, name: str) -> bytes:
        """Write a mailbox name as this client reads it."""
        return mailbox_name(name, utf8=UTF8_ACCEPT in self.enabled)

    def logged_in(self, user: str) -> None:
        """Enter the authenticated state."""
        self.user = user
        self.session_state = State.AUTHENTICATED
        self.setTimeout(self.settings.idle_timeout_s)

    def count_refused_login(self) -> None:
        """Take note of a refused login; after some the connection ends behind the answer."""
        self._refused_logins += 1
        if self._refused_logins >= MOST_REFUSED_LOGINS:
            self.after_answer = lambda: self.say_goodbye("Too many refused logins")

    def watch_mailbox(self, mailbox_id: int) -> list[Change]:
        """Begin to follow a mailbox; the returned list collects what happens until ``open_mailbox``."""
        early: list[Change] = []

        def on_change(change: Change) -> None:
            if self.view is None:
                early.append(change)
                return
            self.view.apply(change, mine=change.origin is self)
            if self.mailbox_changed is not None and not self.congested:
                self.mailbox_changed()

        self._watched = (mailbox_id, on_change)
        self.store.watch(mailbox_id, on_change)
        return early

    def open_mailbox(self, view: SelectedView) -> None:
        """Make a mailbox the selected one."""
        self.view = view
        self.session_state = State.SELECTED

    def close_mailbox(self) -> None:
        """Return to the authenticated state."""
        if self._watched is not None:
            self.store.unwatch(*self._watched)
            self._watched = None
        self.view = self.last_content = None
        if self.session_state is State.SELECTED:
            self.session_state = State.AUTHENTICATED

    def tell_changes(self, *, may_expunge: bool = True) -> None:
        """Send what has happened in the selected mailbox."""
        if self.view is not None:
            for line in self.view.untagged(expunge_allowed=may_expunge, with_modseq=self.condstore):
                self.untagged(line)

    # From commands to answers.

    def refuse_literal(self, start: bytes, announced: LiteralAnnounced) -> Answer | None:
        """Bound what a command may bring: APPEND a message, after the login; any other command far less."""
        if not announced.client_waits and announced.size > LONGEST_WITHOUT_WAITING and not self.settings.literal_plus:
            # RFC 7888, section 5: a server of LITERAL- "proceeds as described in Section 4".
            return bad(f"A non-synchronizing literal of more than {LONGEST_WITHOUT_WAITING} bytes", "TOOBIG")
        is_append = bool(self.user) and _APPEND.match(start) is not None
        limit = self.settings.max_message_bytes if is_append else self.settings.max_literal_bytes
        if announced.total <= limit:
            return None
        return (
            no(f"More than {limit} bytes", "TOOBIG")
            if is_append
            else bad(f"A literal of more than {limit} bytes", "LIMIT")
        )

    async def carry_out(self, arguments: Arguments) -> None:
        """Carry out one command, from its tag to its answer."""
        arguments.utf8 = UTF8_ACCEPT in self.enabled
        try:
            found = arguments.match(_TAG_AND_NAME, "A tag and a command")
        except CommandSyntaxError as error:
            self.send_answer(tag_of(arguments.peek()), bad(error.text))
            return
        self.running_tag = found[1]
        answer, may_expunge = await self._answer_to(found[2].decode("ascii").upper(), arguments)
        if not self.ending:
            self.tell_changes(may_expunge=may_expunge)
            self.send_answer(found[1], answer)
        then, self.after_answer = self.after_answer, None
        if then is not None and not self.ending:
            then()

    async def _answer_to(self, name: str, arguments: Arguments) -> tuple[Answer, bool]:
        """Return the answer and whether removed messages may be told before it."""
        try:
            name, command = self._lookup(name, arguments)
            command = self.faults.command(self, name, command)
            return await command.run(self, arguments), command.may_expunge
        except CommandSyntaxError as error:
            return bad(error.text, error.code), False
        except MailboxError as error:
            return refusal(error), False
        except StoreError as error:
            self.reports.problem(str(error))
            # RFC 5530: "Temporary failure because a subsystem is down", a full disk for example.
            return no("The mail store failed", "UNAVAILABLE"), False

    def _lookup(self, name: str, arguments: Arguments) -> tuple[str, Command]:
        table = COMMANDS
        if name == "UID":
            arguments.space()
            name, table = arguments.atom().upper(), UID_COMMANDS
        command = table.get(name)
        if command is None:
            raise CommandSyntaxError("Unknown command")
        if self.session_state not in command.states:
            raise CommandSyntaxError(f"{name} is not possible in the state {self.session_state.value}", "CLIENTBUG")
        return name, command
