"""What the polls of a lab showed, as data: ``maco_lab.sight`` found it, here it is only written out."""

from __future__ import annotations

from dataclasses import fields

from maco_lab.page import shapes
from maco_lab.page.landscape import Lab
from maco_lab.page.timeline import Connection
from maco_lab.sight import Sight, sight_of
from maco_lab.story import where_tls_ended


def sights(lab: Lab) -> shapes.Sights:
    """Return the newest sight of each e-mail connection that has been polled."""
    entries = lab.journal.view(after=0)
    found = (sight_of(entries, name) for name in lab.maco.connections)
    return shapes.Sights(sights=[_told(each) for each in found if each])


def _told(sight: Sight) -> shapes.ToldSight:
    found = {each.name: getattr(sight, each.name) for each in fields(sight)}
    return shapes.ToldSight(**found, where_tls_ended=where_tls_ended(sight))


def connection_shape(connection: Connection) -> shapes.Connection:
    """Return the head of a connection, without its timeline."""
    finished = connection.finished
    return shapes.Connection(
        id=connection.id,
        email_connection=finished.connection if finished else "",
        virtual=connection.virtual,
        began=min(entry.time for entry in connection.entries),
        ended=connection.ended_at,
        outcome=connection.outcome,
        entries=len(connection.entries),
    )
