"""The command line: exit codes, and every error as a line without a stack trace."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from maco_lab.cli import app
from maco_lab.lab_file import default_text
from tests.maco_lab.processes import command_that_starts_a_lab, run, running

COMMANDS = (
    "up",
    "down",
    "demo",
    "capture",
    "poll",
    "journal",
    "export",
    "check",
    "audit",
    "send",
    "forward",
    "validate",
    "version",
)
PROTOCOLS = "'TCP', 'TCPS', 'HTTP', 'HTTPS', 'RFC', 'RFCS', 'LDAP', 'LDAPS' or 'RFCWS'"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def invoke(*arguments: str) -> tuple[int, str, str]:
    """Return exit code, standard output and standard error."""
    result = CliRunner().invoke(app, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def test_help_lists_every_command() -> None:
    code, out, _ = invoke("--help")

    assert code == 0
    for command in COMMANDS:
        assert f" {command} " in out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    code, out, _ = invoke(command, "--help")

    assert (code, "Usage:" in out) == (0, True)


@pytest.mark.parametrize("asked", ["version", "--version"])
def test_version_is_that_of_the_distribution(asked: str) -> None:
    from importlib.metadata import version

    assert invoke(asked) == (0, f"maco-lab {version('maco-lab')}\n", "")


@pytest.mark.usefixtures("here")
def test_validate_takes_the_built_in_file_when_there_is_none() -> None:
    assert invoke("validate") == (
        0,
        "lab.yaml (built in): no error. 1 Cloud Connector(s), 4 mapping(s), 2 e-mail connection(s)\n",
        "",
    )


def test_validate_tells_every_error_and_exits_2(here: Path) -> None:
    text = default_text().replace("TCPS\n", "SSL\n", 1).replace("every_s: 60", "every_s: x")
    (here / "my.yaml").write_text(text)
    lines, mapping = text.splitlines(), "cloud_connectors[0].subaccounts[0].mappings[1]"
    protocol, every = (
        next(at for at, line in enumerate(lines, 1) if line.endswith(end)) for end in (": SSL", "every_s: x")
    )

    code, out, err = invoke("validate", "my.yaml")

    assert (code, out) == (2, "")
    assert err.splitlines() == [
        f"my.yaml:{protocol}:23: {mapping}.protocol: found 'SSL', allowed: {PROTOCOLS}",
        f"my.yaml:{every}:17: maco.poll_every_s: found 'x', allowed: a number",
    ]


def test_validate_warns_of_what_is_allowed_but_rarely_meant(here: Path) -> None:
    (here / "lab.yaml").write_text(default_text().replace("STARTTLS Mandatory", "STARTTLS Optional"))

    code, out, _ = invoke("validate")

    assert code == 0
    assert "warning: e-mail connection way-a: 'STARTTLS Optional' goes on in clear" in out


@pytest.mark.parametrize("command", ["up", "demo"])
def test_a_broken_lab_file_starts_nothing(here: Path, command: str) -> None:
    (here / "lab.yaml").write_text("cloud: [\n")

    code, out, err = invoke(command)

    assert (code, out) == (2, "")
    assert err.startswith("lab.yaml:2:1: ")


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("command", ["poll", "send"])
def test_what_needs_a_running_lab_says_so(command: str) -> None:
    assert invoke(command) == (2, "", "no lab is running in .maco-lab: start one by `maco-lab up`\n")


@pytest.mark.parametrize("command", ["poll", "send", "down"])
def test_looking_for_a_lab_leaves_no_folder_behind(here: Path, command: str) -> None:
    invoke(command)

    assert list(here.iterdir()) == []


@pytest.mark.usefixtures("here")
def test_down_without_a_lab_is_no_error() -> None:
    assert invoke("down") == (0, "no lab is running in .maco-lab\n", "")


@pytest.mark.usefixtures("here")
def test_an_unknown_option_exits_2() -> None:
    code, _, err = invoke("up", "--port", "auto")

    assert code == 2
    assert "No such option" in err


def test_a_state_folder_that_is_a_file_is_named(here: Path) -> None:
    (here / "file").touch()

    assert invoke("up", "--state", "file") == (2, "", "file: File exists\n")


@pytest.mark.slow
@pytest.mark.parametrize("environment", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}])
def test_demo_tells_both_ways_and_exits_0_also_on_a_terminal_that_cannot_draw(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    result = run("demo", folder=tmp_path, environment=environment)

    assert (result.returncode, result.stderr) == (0, "")
    told = " ".join(result.stdout.split())
    assert "TLS from MaCo to the mail server, end to end" in told
    assert "TLS from the Cloud Connector to the mail server; in clear before it" in told
    assert "1 mail fetched and stored" in told


@pytest.mark.slow
def test_demo_exits_1_when_a_leg_fails_and_says_which(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(default_text().replace("mail-root: root", "mail-root: cloud_root"))

    result = command_that_starts_a_lab("demo", "--json", folder=tmp_path)

    assert result.returncode == 1
    assert result.stderr.startswith("demo failed: way-a: ")
    assert len(result.stderr.splitlines()) == 1
    assert [way["succeeded"] for way in json.loads(result.stdout)["ways"]] == [False, True, False]


@pytest.mark.slow
def test_demo_plays_one_act(tmp_path: Path) -> None:
    result = command_that_starts_a_lab("demo", "--act", "3", folder=tmp_path)

    assert (result.returncode, result.stderr) == (0, "")
    assert "Way A again, with the root certificate in the wrong store" in result.stdout
    assert "Mail server saw: tlsv1 alert unknown ca; received the alert unknown_ca" in " ".join(result.stdout.split())


def test_demo_names_the_acts_there_are(tmp_path: Path) -> None:
    result = command_that_starts_a_lab("demo", "--act", "4", folder=tmp_path)

    assert (result.returncode, result.stderr) == (2, "found --act 4, allowed: 1 to 3\n")


def test_demo_without_a_connection_exits_1(tmp_path: Path) -> None:
    text = default_text()
    (tmp_path / "lab.yaml").write_text(text[: text.index("  email_connections:")] + "  poll_every_s: 60\n")

    result = command_that_starts_a_lab("demo", folder=tmp_path)

    assert (result.returncode, result.stderr) == (1, "demo failed: the lab file has no e-mail connection\n")


@pytest.mark.slow
def test_demo_that_is_told_to_stop_leaves_nothing_behind(tmp_path: Path) -> None:
    temporary = tmp_path / "t"
    temporary.mkdir()
    with running("demo", folder=tmp_path, environment={"TMPDIR": str(temporary)}) as demo:
        from tests.maco_lab.processes import wait_until

        wait_until(lambda: any(temporary.glob("maco-lab-demo-*/mail.sqlite")), "the demo's store is there")
        code, took_s = demo.stop(signal.SIGTERM)

    assert (code, took_s < 1.0) == (128 + signal.SIGTERM, True)
    assert list(temporary.iterdir()) == []


def test_a_certificate_file_that_is_not_there_is_named_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(default_text().replace("mail-root: root", "mail-root: {file: none.crt}"))

    result = command_that_starts_a_lab("demo", folder=tmp_path)

    assert result.returncode == 2
    assert result.stderr == f"{tmp_path}/none.crt: No such file or directory\n"
