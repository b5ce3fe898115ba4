"""mbsync (isync): mails each way, a thousand by STARTTLS and three hundred by TLS, and then nothing more to do."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.programs import require_program
from tests.real.alone.server import ADDRESS, HOST, PASSWORD, USER, AloneServer, fill, mail, run, server_alone

pytestmark = [pytest.mark.real, pytest.mark.slow]

MAILS = {"imap": 1000, "imaps": 300}
"""How many messages go each way, first by STARTTLS and then by TLS."""

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


def put_into_maildir(folder: Path, mails: Sequence[bytes], name: str) -> None:
    inbox = folder / "maildir" / "INBOX"
    for part in ("cur", "new", "tmp"):
        (inbox / part).mkdir(parents=True, exist_ok=True)
    for number, each in enumerate(mails):
        (inbox / "new" / f"{number}.{name}").write_bytes(each)


def with_local_ends(content: bytes) -> bytes:
    return content.replace(b"\r\n", b"\n")


def test_mbsync_carries_mails_each_way_over_both_ports_and_finds_them_all_again(tmp_path: Path) -> None:
    """By each port as many mails of the server as local ones; then by both of them there is nothing more to do."""
    require_program("mbsync")
    store, expected = tmp_path / "mail.sqlite", Counter[bytes]()
    for protocol, count in MAILS.items():
        on_server = [mail(f"server {protocol} {number}") for number in range(count)]
        local = [with_local_ends(mail(f"local {protocol} {number}")) for number in range(count)]
        put_into_maildir(tmp_path, local, protocol)
        fill(store, on_server)
        expected.update([*local, *map(with_local_ends, on_server)])

        with server_alone(tmp_path, "--store", str(store)) as server:
            done = [synchronize(server, tmp_path, protocol)]
            counted = [messages(server)]
            if protocol == "imaps":
                done += [synchronize(server, tmp_path, again) for again in ("imap", "imaps")]
                counted.append(messages(server))

        assert [(each.returncode, each.stderr) for each in done] == [(0, "")] * len(done)
        assert counted == [expected.total()] * len(counted), ADDRESS
        assert in_maildir(tmp_path) == expected


def messages(server: AloneServer) -> int:
    (inbox,) = server.api.get(f"/api/mailboxes?user={USER}").data["mailboxes"]
    return int(inbox["messages"])
