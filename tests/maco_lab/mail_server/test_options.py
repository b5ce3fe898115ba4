"""What the command line may say of a mail server that runs by itself; errors name the option and no password."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from maco_lab.mail_server.options import WELL_KNOWN_PORTS, MailServerOptions, account, listeners
from mailserver_sim.archives.values import Kind
from mailserver_sim.settings import LISTENER_PROTOCOLS, Listener, Preload, SettingsError


def told(**listeners_told: str) -> dict[str, tuple[str, int]]:
    return {each.protocol: (each.host, each.port) for each in listeners(listeners_told)}


def test_every_protocol_of_the_server_has_a_port_that_needs_no_root() -> None:
    assert set(LISTENER_PROTOCOLS) <= set(WELL_KNOWN_PORTS)
    assert {name: port for name, (_, port) in told().items()} == {
        name: 1000 + WELL_KNOWN_PORTS[name] for name in LISTENER_PROTOCOLS
    }


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.2:2143", ("127.0.0.2", 2143)),
        ("2143", ("127.0.0.1", 2143)),
        (":2143", ("127.0.0.1", 2143)),
        ("0", ("127.0.0.1", 0)),
        ("[::1]:2143", ("::1", 2143)),
    ],
)
def test_an_address_may_be_shortened_to_its_port(text: str, address: tuple[str, int]) -> None:
    assert told(imap=text)["imap"] == address


def test_a_protocol_can_be_off() -> None:
    assert "smtp" not in told(smtp="off")


@pytest.mark.parametrize("text", ["x", "127.0.0.1:", "127.0.0.1:65536", "localhost:143", "-1", "1:2:3", "٣"])
def test_an_address_that_is_none_is_told_by_its_option(text: str) -> None:
    with pytest.raises(SettingsError, match=r"--imaps: found .*, allowed: ADDRESS:PORT"):
        listeners({"imaps": text})


def test_a_server_of_which_all_is_off_is_refused() -> None:
    with pytest.raises(SettingsError, match="nothing would listen"):
        listeners(dict.fromkeys(LISTENER_PROTOCOLS, "off"))


def test_a_user_without_a_domain_has_an_address_at_the_host() -> None:
    made = account("maco:se:cret", "mail.example")

    assert (made.user, made.password, made.addresses) == ("maco", "se:cret", ("maco@mail.example",))


def test_a_user_with_a_domain_is_its_own_address() -> None:
    assert account("strom@sw.example:x", "mail.example").addresses == ("strom@sw.example",)


@pytest.mark.parametrize("text", ["maco", "maco:", ":hidden", "@x:hidden"])
def test_a_user_that_could_not_log_in_is_refused_without_the_password(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^--user: ") as raised:
        account(text, "mail.example")

    assert "hidden" not in str(raised.value)


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"key": Path("k")}, "--tls-key"),
        ({"certificate": Path("c"), "certificates": Path("d")}, "--certs"),
        ({"certificate": Path("c"), "write_root": Path("r")}, "--write-root"),
        ({"certificates": Path("d"), "write_root": Path("r")}, "--write-root"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options: dict[str, Any], option: str) -> None:
    with pytest.raises(SettingsError, match=f"^{option}: "):
        MailServerOptions(users=("maco:secret",), **options)


def test_the_settings_have_what_was_told() -> None:
    options = MailServerOptions(users=("maco:secret",), listeners=dict.fromkeys(LISTENER_PROTOCOLS[1:], "off"))
    settings = options.settings("mail.example", Path("mail.sqlite"))

    assert settings.listeners == (Listener("imap", "127.0.0.1", 1143),)
    assert [each.user for each in settings.accounts] == ["maco"]


def test_mail_is_preloaded_for_the_first_user_or_the_one_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "a=b").mkdir()
    options = MailServerOptions(("maco:x", "gas:x"), preload=(str(tmp_path / "a=b"), f"gas={tmp_path}"))

    preloads = options.settings("mail.example", Path("mail.sqlite")).preload
    assert preloads == (Preload("maco", tmp_path / "a=b"), Preload("gas", tmp_path))


def test_mail_is_not_exported_into_a_folder_that_has_something_in_it(tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    with pytest.raises(SettingsError, match=r"--export: .* is there and not an empty folder"):
        MailServerOptions(("maco:x",), export=tmp_path)


def test_a_format_alone_exports_nothing() -> None:
    with pytest.raises(SettingsError, match="--export-as: needs --export"):
        MailServerOptions(("maco:x",), export_as=Kind.EML)


def test_a_preload_that_is_not_there_is_told_by_its_option() -> None:
    options = MailServerOptions(("maco:x",), preload=("none",))
    with pytest.raises(SettingsError, match=r"^--preload: none: No such file"):
        options.settings("mail.example", Path("mail.sqlite"))
