"""mbsync (isync) through `maco-lab forward`: as its Tunnel command and by port, 200 mails in each direction."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path

import pytest

from maco_lab.testing.lab import Lab
from tests.programs import require_program
from tests.real.forwarding import IN_CLEAR, MAIL_HOST, PASSWORD, STARTTLS, USER, Forwarding, forwarding

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(180)]

MAILS = 200
DEADLINE_S = 120.0

CONFIGURATION = """\
IMAPStore server
User {user}
PassCmd "cat {folder}/password"
{way}

MaildirStore local
Path {folder}/maildir/
Inbox {folder}/maildir/INBOX

Channel both
Far :server:
Near :local:
Patterns INBOX
Create Near
Sync All
SyncState *
"""
TUNNEL = 'Tunnel "{command}"\nHost {host}\nSSLType STARTTLS\nCertificateFile {root}\nSystemCertificates no'
NO_TLS = "*** IMAP Warning *** Password is being sent in the clear\n"  # as with MaCo's Protection Off
PORT = "Host 127.0.0.1\nPort {port}\nSSLType None\nAuthMechs LOGIN"


def mail(of: str, number: int) -> bytes:
    """Return a mail of some 4 KB that is like no other."""
    head = f"From: netz@nachbar.example\r\nTo: {USER}\r\nSubject: {of} {number}\r\nMessage-ID: <{of}{number}@lab>\r\n"
    lines = "".join(f"{of} {number} line {line}: {'x' * (number % 60)}\r\n" for line in range(100))
    return f"{head}\r\n{lines}".encode()


@pytest.fixture
def empty_mailbox(maco_lab: Lab, tmp_path: Path) -> Forwarding:
    (tmp_path / "password").write_text(PASSWORD)
    for name in ("cur", "new", "tmp"):
        (tmp_path / "maildir" / "INBOX" / name).mkdir(parents=True)
    return forwarding(maco_lab, tmp_path)


@pytest.fixture
def full_mailbox(empty_mailbox: Forwarding, tmp_path: Path) -> Forwarding:
    empty_mailbox.deliver(*(mail("server", number) for number in range(MAILS)))
    for number in range(MAILS):
        path = tmp_path / "maildir" / "INBOX" / "new" / f"{number}.lab"
        path.write_bytes(mail("local", number).replace(b"\r\n", b"\n"))  # a Maildir holds lines of Unix
    return empty_mailbox


def synchronize(forward: Forwarding, way: str) -> subprocess.CompletedProcess[str]:
    """Let mbsync synchronize both directions."""
    configuration = forward.folder / "mbsyncrc"
    configuration.write_text(CONFIGURATION.format(user=USER, folder=forward.folder, way=way))
    return subprocess.run(
        [require_program("mbsync"), "-q", "-c", str(configuration), "both"],
        env=forward.environment(),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


def assert_both_sides_hold_all(forward: Forwarding) -> None:
    expected = Counter(mail(of, number) for of in ("server", "local") for number in range(MAILS))
    folder = forward.folder / "maildir" / "INBOX"
    in_maildir = [path.read_bytes() for name in ("cur", "new") for path in (folder / name).iterdir()]
    assert Counter(without_marks(each.replace(b"\n", b"\r\n")) for each in in_maildir) == expected
    assert Counter(without_marks(each) for each in forward.mails()) == expected


def without_marks(content: bytes) -> bytes:
    """Return a mail without the header that mbsync adds to find it again."""
    return b"".join(line for line in content.splitlines(keepends=True) if not line.startswith(b"X-TUID: "))


def test_mbsync_by_its_tunnel_command_carries_200_mails_each_way(full_mailbox: Forwarding) -> None:
    command = full_mailbox.shell_command(STARTTLS)
    done = synchronize(full_mailbox, TUNNEL.format(command=command, host=MAIL_HOST, root=full_mailbox.root))

    assert (done.returncode, done.stderr) == (0, "")
    assert_both_sides_hold_all(full_mailbox)


def test_mbsync_by_port_carries_200_mails_each_way(full_mailbox: Forwarding) -> None:
    with full_mailbox.port(IN_CLEAR) as port:
        done = synchronize(full_mailbox, PORT.format(port=port))

    assert (done.returncode, done.stderr) == (0, NO_TLS)
    assert_both_sides_hold_all(full_mailbox)


def test_mbsync_by_its_tunnel_command_still_checks_the_name_in_the_certificate(
    empty_mailbox: Forwarding,
) -> None:
    command = empty_mailbox.shell_command(STARTTLS)
    done = synchronize(empty_mailbox, TUNNEL.format(command=command, host="other.example", root=empty_mailbox.root))

    assert done.returncode == 1
    assert "certificate owner does not match hostname other.example" in done.stderr
    assert empty_mailbox.lab.journal.no_password_was_sent()
