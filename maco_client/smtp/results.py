"""What became of one mail that was to be sent, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Outcome: TypeAlias = Literal["sent", "not sent", "unknown"]
"""``unknown``: the whole mail was given, and no answer came; the mail server may have taken it."""


@dataclass(frozen=True, slots=True)
class RefusedRecipient:
    """A recipient that the mail server does not take, and its own words."""

    address: str
    answer: str


@dataclass(frozen=True, slots=True)
class SendResult:
    """What became of one mail.

    ``stage`` is the step that it got to, ``answer`` what the server said when it took the mail. What the others mean is
    said at PollResult.
    """

    connection: str
    succeeded: bool
    outcome: Outcome
    stage: str
    answer: str = ""
    error: str = ""
    hint: str = ""
    recipients: tuple[str, ...] = ()
    refused: tuple[RefusedRecipient, ...] = ()
    message_id: str = ""
    size: int = 0
    """Bytes of the mail."""
    socks_status: int | None = None
    socks_reply: int | None = None
    alert_sent: str = ""
    alert_received: str = ""
    java_alert: str = ""
    java_text: str = ""
    server_answer: str = ""
    vouched_by: str = ""
    duration_ms: int = 0
    warnings: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """The whole of it as one line for a person, without the hint."""
        if self.succeeded:
            return f"{self.connection}: sent to {', '.join(self.recipients)}: {self.answer}"
        told = [f"{self.connection}: failed at step '{self.stage}': {self.error}"]
        told += [f"{each.address} refused: {each.answer}" for each in self.refused]
        if self.outcome == "unknown":
            told.append("the mail server may have taken the mail")
        if self.alert_sent:
            told.append(f"TLS alert sent: {self.alert_sent}")
        if self.alert_received and self.alert_received not in self.error:
            told.append(f"TLS alert received: {self.alert_received}")
        if self.java_text:
            told.append(f"Java: {self.java_text}")
        if self.server_answer and self.server_answer not in self.error:
            told.append(f"mail server's answer: {self.server_answer}")
        return " | ".join(told)
