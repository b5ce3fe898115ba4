"""An inbox file of an earlier program becomes one of today, with every mail in it."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

from maco_client.inbox import Inbox
from maco_client.inbox_tables import schema
from maco_client.inbox_tables.mails import Mailbox

RAW = b"Subject: old\r\n\r\nx"


def first_schema(path: Path) -> None:
    database = sqlite3.connect(path, isolation_level=None)
    for statement in schema._FIRST.split(";"):
        database.execute(statement)
    database.execute(
        "INSERT INTO mail (connection, server, user, folder, uid_validity, uid, size, subject, stored_at)"
        " VALUES ('c', 'stadtwerke', 'maco', 'INBOX', 7, 4, ?, 'old', '2026-01-01T00:00:00+00:00')",
        (len(RAW),),
    )
    database.execute("INSERT INTO body VALUES (1, ?)", (RAW,))
    database.execute("PRAGMA user_version = 1")
    database.close()


async def test_mails_of_the_first_schema_stay_and_get_their_digest(tmp_path: Path) -> None:
    path = tmp_path / "inbox.db"
    first_schema(path)
    inbox = Inbox(path)
    try:
        (mail,) = inbox.mails()
        assert (mail.mailbox, mail.uid, mail.duplicate_of, mail.problems) == (
            Mailbox("stadtwerke", "maco", "INBOX", 7),
            4,
            None,
            (),
        )
        assert inbox.raw(mail.id) == RAW
        assert await inbox.digest(mail.id) == hashlib.sha256(RAW).digest()
    finally:
        inbox.close()
