"""A wrong call of `maco-lab forward` is one line that names what was found, and the secret comes from no argument."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from maco_client.settings import SocksProxy, TokenService
from maco_lab.cli import app
from maco_lab.forward_call import CallError, ForeignService, split_arguments, target

FOREIGN = ("--proxy", "127.0.0.1:1080", "--token-url", "http://127.0.0.1:1081", "--client-id", "maco")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MACO_LAB_CLIENT_SECRET", raising=False)
    return tmp_path


def refused(*arguments: str) -> str:
    """Return the one line of a call that is refused."""
    result = CliRunner().invoke(app, ["forward", *arguments])
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    return line


def test_a_port_and_an_address_are_taken() -> None:
    assert split_arguments(["1143", "mail.example:143"], stdio=False) == (1143, "mail.example:143")
    assert split_arguments(["0", "mail.example:143"], stdio=False) == (0, "mail.example:143")
    assert split_arguments(["mail.example:143"], stdio=True) == (0, "mail.example:143")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("mail.example:143",), "forward takes LOCAL_PORT and VIRTUAL_HOST:PORT, or --stdio and VIRTUAL_HOST:PORT"),
        (("--stdio", "1143", "mail.example:143"), "forward --stdio takes one argument, VIRTUAL_HOST:PORT"),
        (("65536", "mail.example:143"), "LOCAL_PORT: found '65536', allowed are 0 (a free port) to 65535"),
        (("-", "mail.example:143"), "LOCAL_PORT: found '-', allowed are 0 (a free port) to 65535"),
        (("1143", "mail.example"), "VIRTUAL_HOST:PORT: found 'mail.example', allowed is HOST:PORT, as in mail.stadtw"),
        (("1143", "mail.example:0"), "VIRTUAL_HOST:PORT: found 'mail.example:0', allowed is HOST:PORT"),
        (("1143", "mail.example:655360"), "VIRTUAL_HOST:PORT: found 'mail.example:655360', allowed is HOST:PORT"),
        (("1143", "mail example:143"), "VIRTUAL_HOST:PORT: found host 'mail example', allowed is a host name"),
        (("1143", "mail.example:143", "--location-id", "x" * 190), "--location-id: allowed is printable text of at"),
    ],
)
def test_a_wrong_argument_is_named(arguments: tuple[str, ...], told: str) -> None:
    assert refused(*arguments).startswith(told)


def test_without_a_running_lab_and_without_another_service_it_says_so() -> None:
    assert refused("0", "mail.example:143") == "no lab is running in .maco-lab: start one by `maco-lab up`"


@pytest.mark.parametrize(
    ("left_out", "told"), [("--proxy", "--proxy"), ("--token-url", "--token-url"), ("--client-id", "--client-id")]
)
def test_half_of_another_service_names_what_is_missing(left_out: str, told: str) -> None:
    at = FOREIGN.index(left_out)
    arguments = (*FOREIGN[:at], *FOREIGN[at + 2 :])

    assert refused("0", "a.example:1", *arguments) == f"a service other than the running lab's also needs {told}"


def test_a_token_service_of_another_machine_must_speak_https(here: Path) -> None:
    (here / "secret").write_text("s")
    arguments = (*FOREIGN[:3], "http://token.example", *FOREIGN[4:], "--client-secret-file", "secret")

    assert "http is allowed to this machine only, use https" in refused("0", "a.example:1", *arguments)


def test_a_secret_file_that_is_not_there_is_named() -> None:
    assert refused("0", "a.example:1", *FOREIGN, "--client-secret-file", "none") == "none: No such file or directory"


def foreign(secret_file: Path | None) -> ForeignService:
    return ForeignService("127.0.0.1:1080", "http://127.0.0.1:1081", "maco", secret_file)


def test_the_secret_is_the_first_line_of_its_file(here: Path) -> None:
    (here / "secret").write_bytes(b"top secret\r\nsomething else\r\n")

    binding = foreign(here / "secret").binding()

    assert binding.proxy == SocksProxy("127.0.0.1", 1080)
    assert binding.service == TokenService("http://127.0.0.1:1081", "maco", "top secret")


def test_the_secret_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MACO_LAB_CLIENT_SECRET", "of the environment")

    assert foreign(None).binding().service.client_secret == "of the environment"


def test_without_a_terminal_a_missing_secret_is_told_with_the_two_other_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_terminal(*_: object) -> int:
        raise OSError(6, "No such device or address")

    monkeypatch.setattr("maco_lab.forward_call.os.open", no_terminal)

    with pytest.raises(CallError, match="--client-secret-file, or MACO_LAB_CLIENT_SECRET in the environment"):
        foreign(None).binding()


def test_an_empty_secret_is_refused(here: Path) -> None:
    (here / "secret").write_text("\n")

    with pytest.raises(CallError, match="client_secret: found none"):
        foreign(here / "secret").binding()


def test_there_is_no_option_for_the_secret_itself() -> None:
    """Arguments are seen by every user of a machine."""
    assert "No such option" in CliRunner().invoke(app, ["forward", "--client-secret", "x", "0", "a.example:1"]).stderr


def test_the_target_is_what_maco_would_dial() -> None:
    server = target("mail.example:143", "WERK1")

    assert (server.host, server.port, server.location_id) == ("mail.example", 143, "WERK1")
