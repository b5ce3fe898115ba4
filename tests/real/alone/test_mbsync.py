"""mbsync (isync): a thousand messages in each direction by STARTTLS, and then nothing more to do by TLS."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.programs import require_program
from tests.real.alone.server import ADDRESS, HOST, PASSWORD, USER, AloneServer, fill, mail, run, server_alone

pytestmark = [pytest.mark.real, pytest.mark.slow]

MAILS = 1000

CONFIGURATION = """\
FSync no

IMAPStore server
Host {host}
Port {port}
User {user}
Pass {password}
SSLType {ssl_type}
CertificateFile {root}
SystemCertificates no

MaildirStore local
Path {folder}/maildir/
Inbox {folder}/maildir/INBOX

Channel both
Far :server:
Near :local:
Patterns INBOX
Create Near
Sync All
Expunge Both
SyncState *
"""


def synchronize(server: AloneServer, folder: Path, protocol: str) -> subprocess.CompletedProcess[str]:
    """Let mbsync synchronize both directions."""
    configuration = folder / f"{protocol}.rc"
    configuration.write_text(
        CONFIGURATION.format(
            host=HOST,
            port=server.port(protocol),
            user=USER,
            password=PASSWORD,
            ssl_type="IMAPS" if protocol == "imaps" else "STARTTLS",
            root=server.root,
            folder=folder,
        )
    )
    return run([require_program("mbsync"), "-c", str(configuration), "both"])


def without_marks(content: bytes) -> bytes:
    """Return a mail without the header that mbsync adds to find it again."""
    return b"".join(line for line in content.splitlines(keepends=True) if not line.startswith(b"X-TUID: "))


def in_maildir(folder: Path) -> Counter[bytes]:
    inbox = folder / "maildir" / "INBOX"
    return Counter(without_marks(path.read_bytes()) for name in ("cur", "new") for path in (inbox / name).iterdir())


def test_mbsync_carries_a_thousand_messages_each_way_and_finds_them_all_again(tmp_path: Path) -> None:
    require_program("mbsync")
    on_server = [mail(f"server {number}") for number in range(MAILS)]
    local = [mail(f"local {number}").replace(b"\r\n", b"\n") for number in range(MAILS)]
    for name in ("cur", "new", "tmp"):
        (tmp_path / "maildir" / "INBOX" / name).mkdir(parents=True)
    for number, each in enumerate(local):
        (tmp_path / "maildir" / "INBOX" / "new" / f"{number}.lab").write_bytes(each)
    fill(tmp_path / "mail.sqlite", on_server)

    with server_alone(tmp_path, "--store", str(tmp_path / "mail.sqlite")) as server:
        first = synchronize(server, tmp_path, "imap")
        again = synchronize(server, tmp_path, "imaps")
        (inbox,) = server.api.get(f"/api/mailboxes?user={USER}").data["mailboxes"]

    assert (first.returncode, first.stderr) == (0, "")
    assert (again.returncode, again.stderr) == (0, "")
    assert inbox["messages"] == 2 * MAILS, ADDRESS
    assert in_maildir(tmp_path) == Counter([*local, *(each.replace(b"\r\n", b"\n") for each in on_server)])
