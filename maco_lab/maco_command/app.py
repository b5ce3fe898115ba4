"""The commands of ``maco-lab maco`` put together."""

from __future__ import annotations

from maco_lab.maco_command import (
    connections,
    connectivity,
    credentials,
    inbox,
    key_store,
    locks,
    polling,
    sending,
    servers,
)
from maco_lab.maco_command.calling import group

app = group("Configure and use the MaCo of the running lab.")
app.add_typer(key_store.app, name="keystore")
app.add_typer(credentials.app, name="credentials")
app.add_typer(servers.app, name="servers")
app.add_typer(connections.app, name="connections")
app.add_typer(sending.app, name="sending")
app.add_typer(locks.app, name="locks")
app.add_typer(connectivity.app, name="test")
app.command()(polling.poll)
app.command()(sending.send)
app.command()(inbox.inbox)
app.command()(inbox.show)
app.command()(inbox.export)
