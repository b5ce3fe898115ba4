"""Put Twisted's reactor on the asyncio loop that is already running.

``reactor.run()`` is never called: the loop drives sockets and ``callLater`` by itself. What needs a *started* reactor
does not work: ``deferToThread`` (use ``loop.run_in_executor``), ``callWhenRunning``, ``spawnProcess`` and
host name lookups.
"""

from __future__ import annotations

import asyncio
import sys


class ReactorError(RuntimeError):
    """Twisted's reactor, of which a process has one for life, is not the one that the mail server needs."""


def ensure_reactor(loop: asyncio.AbstractEventLoop) -> None:
    """Install the asyncio reactor on ``loop``; do nothing if it is there. Raises ReactorError."""
    from twisted.internet import asyncioreactor

    installed = sys.modules.get("twisted.internet.reactor")
    if installed is None:
        asyncioreactor.install(loop)  # type: ignore[no-untyped-call]
        return
    if not isinstance(installed, asyncioreactor.AsyncioSelectorReactor):
        raise ReactorError(
            f"Twisted's {type(installed).__name__} is already installed in this process: install the mail server's "
            "first (mailserver_sim.reactor.ensure_reactor), before anything imports twisted.internet.reactor"
        )
    bound_to = installed._asyncioEventloop  # noqa: SLF001 - Twisted has no public question for it
    if bound_to is not loop:
        raise ReactorError(
            "Twisted's reactor is bound to another event loop of this process, for the life of the process: keep one "
            "loop, for example in a background thread, for every mail server"
        )
