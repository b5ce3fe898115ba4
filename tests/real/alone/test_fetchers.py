"""Programs that carry mail away: fetchmail, getmail6 and offlineimap3."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.programs import require_program
from tests.real.alone.server import HOST, PASSWORD, USER, AloneServer, mail, run

pytestmark = [pytest.mark.real, pytest.mark.slow]

MAILS = [mail("MSCONS"), mail("UTILMD", "Grüße"), mail("CONTRL", "x" * 5000)]
SUBJECTS = ["CONTRL", "MSCONS", "UTILMD"]


def assert_holds_each_once(taken: Path) -> None:
    text = taken.read_text("utf-8")
    assert [text.count(f"Subject: {each}\n") for each in SUBJECTS] == [1, 1, 1]
    assert "Grüße" in text


def subjects(maildir: Path) -> list[str]:
    """Return the subjects of what lies in a maildir, sorted."""
    found = [path.read_text("utf-8") for name in ("cur", "new") for path in (maildir / name).iterdir()]
    return sorted(text.split("\nSubject: ")[1].split("\n")[0] for text in found)


def private(path: Path, content: str) -> str:
    """Write a configuration that holds a password: fetchmail reads none that others could read."""
    path.write_text(content)
    path.chmod(0o600)
    return str(path)


@pytest.mark.parametrize("protocol", ["imap", "imaps", "pop3", "pop3s"])
def test_fetchmail_takes_all_mail_away(alone: AloneServer, tmp_path: Path, protocol: str) -> None:
    alone.deliver(*MAILS)
    taken = tmp_path / "taken"
    way = "ssl" if protocol.endswith("s") else 'sslproto "TLS1.2+"'
    server = f"{HOST} protocol {protocol.removesuffix('s')} port {alone.port(protocol)}"
    rc = private(
        tmp_path / "fetchmailrc",
        f'poll {server} user "{USER}" password "{PASSWORD}" {way} '
        f'sslcertck sslcertfile "{alone.root}" mda "cat >> {taken}"\n',
    )
    home = dict(os.environ) | {"HOME": str(tmp_path), "FETCHMAILHOME": str(tmp_path)}
    pid_file = str(tmp_path / "pid")  # root's would be one for the whole machine, and keep a second fetchmail out
    done = run([require_program("fetchmail"), "-f", rc, "--nosyslog", "--pidfile", pid_file], environment=home)

    assert done.returncode == 0, done.stdout + done.stderr
    assert_holds_each_once(taken)
    assert alone.messages() == []


def test_getmail_takes_all_mail_away_by_tls(alone: AloneServer, tmp_path: Path) -> None:
    """It has no STARTTLS."""
    alone.deliver(*MAILS)
    taken = tmp_path / "taken"
    private(
        tmp_path / "getmailrc",
        f"[retriever]\ntype = SimpleIMAPSSLRetriever\nserver = {HOST}\nport = {alone.port('imaps')}\n"
        f"username = {USER}\npassword = {PASSWORD}\nca_certs = {alone.root}\n"
        "[destination]\ntype = MDA_external\nallow_root_commands = true\npath = /bin/dd\n"
        f"arguments = ('of={taken}', 'oflag=append', 'conv=notrunc', 'status=none')\n[options]\ndelete = true\n",
    )
    done = run([require_program("getmail"), "--getmaildir", str(tmp_path), "--rcfile", "getmailrc"])

    assert done.returncode == 0, done.stdout + done.stderr
    assert_holds_each_once(taken)
    assert alone.messages() == []


@pytest.mark.parametrize("protocol", ["imap", "imaps"])
def test_offlineimap_synchronizes_both_ways(alone: AloneServer, tmp_path: Path, protocol: str) -> None:
    alone.deliver(*MAILS)
    is_tls = protocol == "imaps"
    inbox = tmp_path / "mail" / "INBOX"
    for name in ("cur", "new", "tmp"):
        (inbox / name).mkdir(parents=True)
    (inbox / "new" / "1.lab").write_bytes(mail("APERAK").replace(b"\r\n", b"\n"))
    rc = private(
        tmp_path / "offlineimaprc",
        f"[general]\naccounts = lab\nmetadata = {tmp_path}/metadata\n"
        "[Account lab]\nlocalrepository = local\nremoterepository = server\n"
        f"[Repository local]\ntype = Maildir\nlocalfolders = {tmp_path}/mail\n"
        f"[Repository server]\ntype = IMAP\nremotehost = {HOST}\nremoteport = {alone.port(protocol)}\n"
        f"remoteuser = {USER}\nremotepass = {PASSWORD}\nsslcacertfile = {alone.root}\n"
        f"ssl = {'yes' if is_tls else 'no'}\nstarttls = {'no' if is_tls else 'yes'}\n",
    )
    done = run([require_program("offlineimap"), "-c", rc, "-o", "-1", "-u", "basic"])

    assert done.returncode == 0, done.stdout + done.stderr
    assert subjects(inbox) == ["APERAK", *SUBJECTS]
    assert sorted(each["subject"] for each in alone.messages()) == ["APERAK", *SUBJECTS]
