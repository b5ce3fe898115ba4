from __future__ import annotations

from pathlib import Path

import pytest

from mailserver_sim.archives.values import ArchiveError
from mailserver_sim.settings import Preload, SettingsError
from tests.mailserver_sim.archives.test_transfer import AWKWARD
from tests.mailserver_sim.conftest import StartServer
from tests.mailserver_sim.running import OTHER_USER, USER


def archive(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        (folder / f"{name}.eml").write_bytes(AWKWARD[0])
    return folder


def test_mail_is_there_when_the_server_listens(start_server: StartServer, tmp_path: Path) -> None:
    mine, more = archive(tmp_path / "mine", "1", "2"), archive(tmp_path / "more", "3")
    server = start_server(preload=(Preload(USER, mine), Preload(USER, more)))
    client = server.imap()
    assert client.select()[1] == [b"3"]
    client.logout()


def test_a_second_start_adds_nothing(start_server: StartServer, tmp_path: Path) -> None:
    preload = (Preload(USER, archive(tmp_path / "mine", "1")),)
    start_server(preload=preload).stop()
    server = start_server(preload=preload)
    client = server.imap()
    assert client.select()[1] == [b"1"]
    client.logout()


def test_a_user_who_had_mail_gets_none(start_server: StartServer, tmp_path: Path) -> None:
    server = start_server()
    server.deliver(AWKWARD[0])
    server.loop.run(server.server.clear())
    server.deliver(AWKWARD[0])
    server.stop()
    server = start_server(preload=(Preload(USER, archive(tmp_path / "mine", "1", "2")),))
    client = server.imap()
    assert client.select()[1] == [b"1"]
    client.logout()


def test_a_broken_archive_ends_the_start_and_leaves_nothing_open(start_server: StartServer, tmp_path: Path) -> None:
    broken = archive(tmp_path / "broken")
    with pytest.raises(ArchiveError, match=str(broken)):
        start_server(preload=(Preload(OTHER_USER, broken),))
    start_server()


def test_an_unknown_user_is_refused_before_the_start(start_server: StartServer, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="preload: there is no account 'nobody'"):
        start_server(preload=(Preload("nobody", tmp_path),))
