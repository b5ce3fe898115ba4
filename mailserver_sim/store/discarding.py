"""How all messages are discarded at once, and their bytes bit by bit later: many take no longer than few.

To free a page of the file SQLite has to look at it, and nearly all pages are the bytes of messages. So their table gets
another name, and an empty one its place; whoever writes frees the pages when nothing else is to be done.
"""

from __future__ import annotations

import sqlite3

from mailserver_sim.store.schema import MESSAGE_TABLES

ROWS_AT_ONCE = 256
"""How many messages are removed by one call: the next write waits for no more."""
_DISCARDED = "discarded_"


def discard_messages(connection: sqlite3.Connection) -> None:
    """Leave the tables of messages empty, inside somebody's transaction."""
    # First those that refer to others: SQLite looks at every row of a table that is referred to.
    connection.execute("DROP TABLE message")
    connection.execute("DROP TABLE gap")
    connection.execute(f"ALTER TABLE content RENAME TO {_DISCARDED}{len(_discarded(connection))}")
    for statement in MESSAGE_TABLES:
        connection.execute(statement)


def reclaim(connection: sqlite3.Connection) -> bool:
    """Remove some of what was discarded, and tell whether there may be more, from this or from an earlier process."""
    discarded = _discarded(connection)
    if not discarded:
        return False
    table = discarded[-1]  # the last one, so that the others keep the numbers below it
    removed = connection.execute(
        f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} LIMIT ?)",  # noqa: S608 - a name from here
        (ROWS_AT_ONCE,),
    )
    if removed.rowcount < ROWS_AT_ONCE:
        connection.execute(f"DROP TABLE {table}")
    return True


def _discarded(connection: sqlite3.Connection) -> list[str]:
    """Return the tables of discarded bytes, in the order in which they were discarded."""
    rows = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB ? ORDER BY length(name), name",
        (_DISCARDED + "*",),
    )
    return [row[0] for row in rows]
