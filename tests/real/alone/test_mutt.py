"""mutt on a terminal: opens the INBOX, copies all of it to a file, marks it for deletion, and leaves."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import subprocess
import time
from pathlib import Path

import pytest

from tests.programs import require_program
from tests.real.alone.server import DEADLINE_S, HOST, PASSWORD, USER, AloneServer, mail

pytestmark = [pytest.mark.real, pytest.mark.slow]

CONFIGURATION = """\
set folder="{folder}" imap_user="{user}" imap_pass="{password}"
set certificate_file="{root}" ssl_starttls=yes ssl_force_tls=yes ssl_verify_host=yes
set header_cache="" message_cachedir="" sleep_time=0 confirmcreate=no confirmappend=no delete=yes mark_old=no
set mbox_type=mbox copy=no move=no wait_key=no quit=yes
push "<tag-pattern>~A<enter><tag-prefix><copy-message><kill-line>{target}<enter><tag-prefix><delete-message><quit>"
"""


def on_a_terminal(command: list[str], home: Path) -> tuple[int, str]:
    """Run a program that wants a terminal, and return its exit code and what it showed."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "HOME": str(home)}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        shown, end = b"", time.monotonic() + DEADLINE_S
        with contextlib.suppress(OSError):  # EIO: the program has ended
            while select.select([ours], [], [], max(0.0, end - time.monotonic()))[0]:
                shown += os.read(ours, 65536)
        if time.monotonic() > end:
            process.kill()
        code = process.wait()
    os.close(ours)
    return code, shown.decode("utf-8", "replace")


@pytest.mark.parametrize("protocol", ["imap", "imaps"])
def test_mutt_copies_all_messages_and_deletes_them(alone: AloneServer, tmp_path: Path, protocol: str) -> None:
    alone.deliver(mail("MSCONS"), mail("UTILMD", "Grüße"))
    target = tmp_path / "copied"
    rc = tmp_path / "muttrc"
    rc.write_text(CONFIGURATION.format(user=USER, password=PASSWORD, root=alone.root, folder=tmp_path, target=target))
    inbox = f"{protocol}://{HOST}:{alone.port(protocol)}/INBOX"
    code, shown = on_a_terminal([require_program("mutt"), "-n", "-F", str(rc), "-f", inbox], tmp_path)

    assert code == 0, shown
    assert target.exists(), shown
    copied = target.read_text("utf-8")
    assert [copied.count(f"\nSubject: {each}\n") for each in ("MSCONS", "UTILMD")] == [1, 1]
    assert alone.messages() == []
