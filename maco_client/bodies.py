"""The bodies that one FETCH asked for, each into a sink of its own, whatever their order.

Its rule: the server is held to what was asked. A body is taken only if the response that holds it names one of the
UIDs asked for, each once. Until then it waits without a name, since the UID may stand behind the body.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Generic, Protocol, TypeVar

from maco_client.failures import MailTooLarge
from maco_client.imap import BodyChunk, BodyEvent, BodyStarted, FetchData
from maco_wire.exceptions import RemoteProtocolError


class BodySink(Protocol):
    """Where a mail's body goes as it arrives."""

    async def write(self, data: bytes) -> None:
        """Take the next bytes."""


_Sink = TypeVar("_Sink", bound=BodySink)


class Bodies(Generic[_Sink]):
    """Takes the bodies of ``uids``, none larger than ``max_bytes``."""

    def __init__(
        self,
        uids: Collection[int],
        new_sink: Callable[[], _Sink],
        max_bytes: int,
        whole: Callable[[int, _Sink], None] = lambda _uid, _sink: None,
    ) -> None:
        """``whole`` is told of each body as soon as it has come and has its UID."""
        self._missing = set(uids)
        self._whole = whole
        self._new_sink = new_sink
        self._max_bytes = max_bytes
        self._complete: dict[int, _Sink] = {}
        self._nameless: _Sink | None = None

    async def take(self, event: BodyEvent) -> None:
        """Take what belongs to a body; raises MailTooLarge, RemoteProtocolError."""
        match event:
            case BodyStarted(size=size):
                self._begin(size)
            case BodyChunk(data=data):
                assert self._nameless is not None  # the reader of responses lets a body begin before it goes on
                await self._nameless.write(data)

    async def name(self, response: FetchData) -> None:
        """Give the body that has come the UID of its response; also take one that came as a quoted string."""
        if response.body is not None:
            self._begin(len(response.body))
            assert self._nameless is not None  # it has just begun
            await self._nameless.write(response.body)
        if self._nameless is None:
            return
        if response.uid not in self._missing:
            raise RemoteProtocolError("IMAP", "one body of each UID that was asked for", f"one of UID {response.uid}")
        self._missing.remove(response.uid)
        self._complete[response.uid] = self._nameless
        self._whole(response.uid, self._nameless)
        self._nameless = None

    def complete(self) -> dict[int, _Sink]:
        """Return the sinks of the bodies that came, by UID."""
        return self._complete

    def _begin(self, size: int) -> None:
        if self._nameless is not None:
            raise RemoteProtocolError("IMAP", "one body in a response", "a second one")
        if size > self._max_bytes:
            raise MailTooLarge(size, self._max_bytes)
        self._nameless = self._new_sink()
