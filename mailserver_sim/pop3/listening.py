"""Listen for POP3 connections with Twisted on the running loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from twisted.internet.protocol import Protocol

from mailserver_sim.imap.listening import ImapFactory, ImapPort
from mailserver_sim.pop3.connection import Pop3Connection


class Pop3Factory(ImapFactory):
    """Make a connection object for every client; ``implicit_tls`` is port 995."""

    connection_class: ClassVar[Callable[..., Protocol]] = Pop3Connection
    too_many: ClassVar[bytes] = b"-ERR [SYS/TEMP] Too many connections\r\n"
    """RFC 3206, section 4: a "system failure" that is "likely to be transient"."""


class Pop3Port(ImapPort):
    """One bound port."""

    factory_class: ClassVar[type[ImapFactory]] = Pop3Factory
