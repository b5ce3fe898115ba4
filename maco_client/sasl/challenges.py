"""A SASL exchange in lines of Base64, as IMAP and POP3 have it; pure."""

from __future__ import annotations

import base64
import binascii

from maco_client.sasl.exchanges import Exchange, SaslError, ServerUnproven
from maco_wire.exceptions import RemoteProtocolError

SHOWN_CHARACTERS = 80


class Challenges:
    """Answers the challenges of one login, what the mechanism says first among them if it was not said yet.

    ``protocol`` is named where the server breaks it.
    """

    def __init__(self, exchange: Exchange, *, begun: bool, protocol: str) -> None:
        self._exchange = exchange
        self._initial = None if begun else exchange.initial
        self._answered = 0
        self._protocol = protocol

    @property
    def is_open(self) -> bool:
        """Tell whether the server has not asked yet for all that the mechanism has to say."""
        return self._initial is not None or self._answered < len(self._exchange.answers)

    @property
    def has_told_secret(self) -> bool:
        """Tell whether the command and the answers so far carry the password or the token."""
        return self._exchange.has_told_secret(self._answered, begun=self._initial is None)

    def check_success(self) -> None:
        """Raise ServerUnproven, or RemoteProtocolError, if the server says OK too early."""
        self._exchange.check_success(self._answered)
        if self.is_open:
            raise RemoteProtocolError(self._protocol, "'+' before the rest of the command", "OK")

    def answer(self, challenge: str) -> bytes:
        """Return the line that answers ``challenge``.

        Raises RemoteProtocolError for one that cannot be answered, and ServerUnproven.
        """
        if self._initial is not None:
            said, self._initial = self._initial, None
            return _line(said)
        shown = f"'+ {challenge[:SHOWN_CHARACTERS]}'"
        try:
            said = self._exchange.answer(self._answered, base64.b64decode(challenge, validate=True))
        except ServerUnproven:
            raise
        except SaslError as error:
            raise RemoteProtocolError(self._protocol, error.expected, shown) from error
        except (binascii.Error, ValueError) as error:
            raise RemoteProtocolError(self._protocol, "a challenge in Base64", shown) from error
        self._answered += 1
        return _line(said)


def _line(said: bytes) -> bytes:
    return base64.b64encode(said) + b"\r\n"
