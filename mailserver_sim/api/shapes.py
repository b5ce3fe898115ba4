"""The shapes of the API: what each answer and each request holds. The OpenAPI document is made from them.

No shape has a field for a password. Dates are ISO 8601; flags are as IMAP has them.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from maco_http.shapes import Shape

MAX_MESSAGES = 500
"""How many messages one answer lists."""

MAX_FIELDS = 200
"""How many header fields of a message are told; the raw message has them all."""

MAX_TEXT_BYTES = 1024 * 1024
"""How much of a message's text is told; the raw message has all of it."""

MAX_WAIT_S = 120

MAX_COUNT = 1_000_000
"""How often a fault may strike or pass, where there is an end to it."""


class Account(Shape):
    """A user, and the addresses whose mail goes into the user's INBOX."""

    user: str
    addresses: list[str]


class Accounts(Shape):
    """All accounts."""

    accounts: list[Account]


class Mailbox(Shape):
    """A mailbox with its numbers; ``size`` in bytes."""

    name: str
    messages: int
    unseen: int
    recent: int
    uid_next: int
    uid_validity: int
    size: int


class Mailboxes(Shape):
    """The mailboxes of a user."""

    user: str
    mailboxes: list[Mailbox]


class HeaderField(Shape):
    """One header field: its name in lower case, its value unfolded and decoded."""

    name: str
    value: str


class Message(Shape):
    """A message: where it is, its flags, and its header; ``from`` and the like are empty where it has no such field."""

    user: str
    mailbox: str
    uid: int
    flags: list[str]
    internal_date: str
    size: int
    subject: str
    sender: str = Field(serialization_alias="from")
    to: str
    date: str
    message_id: str
    headers: list[HeaderField]


class Messages(Shape):
    """Messages of a mailbox by their UIDs."""

    messages: list[Message]


class Attachment(Shape):
    """A part of a message that is not its text; ``size`` in bytes, decoded."""

    filename: str
    content_type: str
    size: int


class WholeMessage(Message):
    """A message with its text and its attachments; the beginning of a very long text."""

    text: str
    html: str
    attachments: list[Attachment]


class Delivered(Shape):
    """Where a message went."""

    user: str
    mailbox: str
    uid: int
    size: int


class Fault(Shape):
    """A fault that was armed, and what became of it: how often its step passed, and how often it has struck."""

    step: str
    count: int
    after: int
    protocol: str
    parameters: dict[str, Any]
    passed: int
    hits: int
    over: bool


class Faults(Shape):
    """The faults that were armed, those that are over too."""

    faults: list[Fault]


class FaultRequest(Shape):
    """A step to misbehave at: it passes ``after`` times, and is broken ``count`` times then (0: until it is healed)."""

    step: str = Field(max_length=100)
    count: int = Field(default=1, ge=0, le=MAX_COUNT)
    after: int = Field(default=0, ge=0, le=MAX_COUNT)
    protocol: str = Field(default="", max_length=100)
    parameters: dict[str, Any] = Field(default_factory=dict, max_length=10)


class ResetRequest(Shape):
    """Nothing needs to be said."""


class Done(Shape):
    """It is done."""
