"""Which lab a test gets: the same one for the same settings and authority, and a few alive at most."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from certs.cast import Cast
from maco_lab.lab_file import LabFileError, default_text
from maco_lab.testing.lab import Lab, lab_for_tests, new_authority
from maco_lab.testing.pool import LabPool
from maco_lab.testing.settings import lab_text

STROM = "strom@stadtwerke.example"


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[LabPool]:
    """Return an empty pool for two labs."""
    with LabPool(tmp_path, most_alive=2) as pool:
        yield pool


def present(certificate: str) -> Any:
    """Return a change: what the mail server presents."""
    return lambda lab: lab["mail_server"].update(certificate=certificate)


def is_alive(lab: Lab) -> bool:
    return lab.cloud_connector.is_connected


def test_the_same_settings_get_the_same_lab_as_new(pool: LabPool, maco_lab_authority: Cast) -> None:
    first = pool.take(present("mail_server"), maco_lab_authority)
    first.mail_server.deliver(STROM)

    second = pool.take(present("mail_server"), maco_lab_authority)

    assert second is first
    assert second.mail_server.mails(STROM) == []


def test_other_settings_get_another_lab(pool: LabPool, maco_lab_authority: Cast) -> None:
    good = pool.take(None, maco_lab_authority)
    bad = pool.take(present("expired"), maco_lab_authority)

    assert good is not bad
    assert (good.maco.poll("way-a").succeeded, bad.maco.poll("way-a").succeeded) == (True, False)


def test_another_authority_gets_another_lab(pool: LabPool, maco_lab_authority: Cast) -> None:
    one = pool.take(None, maco_lab_authority)
    other = pool.take(None, new_authority())

    assert one.root_pem != other.root_pem


def test_labs_of_one_authority_have_the_same_root(pool: LabPool, maco_lab_authority: Cast) -> None:
    def rename(lab: dict[str, Any]) -> None:
        lab["mail_server"]["host_name"] = "mx.example"

    one, other = pool.take(None, maco_lab_authority), pool.take(rename, maco_lab_authority)

    assert one.root_pem == other.root_pem == maco_lab_authority.root.identity.certificate_pem()
    assert other.authority.settings.mail_host == "mx.example"


def test_the_lab_that_was_not_used_for_longest_ends_first(pool: LabPool, maco_lab_authority: Cast) -> None:
    first = pool.take(None, maco_lab_authority)
    second = pool.take(present("expired"), maco_lab_authority)
    pool.take(None, maco_lab_authority)

    pool.take(present("wrong_name"), maco_lab_authority)

    assert (is_alive(first), is_alive(second)) == (True, False)


def test_leaving_the_pool_ends_every_lab(tmp_path: Path, maco_lab_authority: Cast) -> None:
    with LabPool(tmp_path) as pool:
        lab = pool.take(None, maco_lab_authority)

    assert not is_alive(lab)


def test_a_lab_that_cannot_be_reset_is_replaced(
    pool: LabPool, maco_lab_authority: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    def beyond_repair(lab: Lab) -> None:
        raise TimeoutError

    first = pool.take(None, maco_lab_authority)
    monkeypatch.setattr(Lab, "reset", beyond_repair)

    second = pool.take(None, maco_lab_authority)

    assert second is not first
    assert (is_alive(first), is_alive(second)) == (False, True)


def test_bad_settings_start_nothing_and_keep_what_runs(pool: LabPool, maco_lab_authority: Cast) -> None:
    good = pool.take(None, maco_lab_authority)

    with pytest.raises(LabFileError, match=r"maco_lab_settings:\d+:\d+: mail_server.certificate"):
        pool.take(present("no such certificate"), maco_lab_authority)

    assert is_alive(good)


def test_settings_may_be_a_file_or_its_data(tmp_path: Path) -> None:
    changed = lab_text(present("expired"))
    (tmp_path / "lab.yaml").write_text(default_text())
    from_file = lab_text(tmp_path / "lab.yaml")

    assert lab_text(json.loads(changed.text)) == changed
    assert (from_file.text, from_file.folder) == (default_text(), tmp_path)
    assert lab_text(str(tmp_path / "lab.yaml")) == from_file
    assert changed.parsed().model.mail_server.certificate == "expired"


def test_settings_of_every_kind_may_be_changed(tmp_path: Path) -> None:
    def rename(lab: dict[str, Any]) -> None:
        lab["mail_server"]["host_name"] = "mx.example"

    (tmp_path / "lab.yaml").write_text(lab_text(rename).text)
    data = json.loads(lab_text(rename).text)

    from_file = lab_text(tmp_path / "lab.yaml", present("expired"))

    assert (from_file.folder, from_file.name) == (tmp_path, str(tmp_path / "lab.yaml"))
    for text in (from_file, lab_text(data, present("expired")), lab_text(rename, present("expired"))):
        mail_server = text.parsed().model.mail_server
        assert (mail_server.host_name, mail_server.certificate) == ("mx.example", "expired")
    assert data == json.loads(lab_text(rename).text)


def test_the_same_settings_after_the_same_changes_get_the_same_lab(pool: LabPool, maco_lab_authority: Cast) -> None:
    changed = pool.take(None, maco_lab_authority, present("expired"))

    assert pool.take(present("expired"), maco_lab_authority) is changed


def test_a_change_leaves_the_default_as_it_was() -> None:
    lab_text(present("expired"))

    assert lab_text(lambda _: None).parsed().model == lab_text(None).parsed().model


def test_a_lab_for_any_framework_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with lab_for_tests() as lab:
        lab.mail_server.deliver(STROM)
        assert list(tmp_path.iterdir())

    assert list(tmp_path.iterdir()) == []
