"""The article's second half by the command line alone: an empty MaCo, two e-mail connections, two fetched mails."""

from __future__ import annotations

from pathlib import Path

import pytest

from maco_lab.testing.lab import Lab
from maco_lab.testing.settings import lab_text
from tests.maco_client.api.empty import CONNECTIONS, CREDENTIALS, SERVERS, unconfigured
from tests.maco_lab.maco_command.command import Command
from tests.maco_lab.processes import command as in_this_process
from tests.maco_lab.processes import run, running


def article(root: Path) -> list[tuple[str, ...]]:
    """Return the commands; the passwords are in files beside the root."""
    commands: list[tuple[str, ...]] = [("keystore", "import", str(root), "--alias", "mail-root")]
    for name, (user, password) in CREDENTIALS.items():
        secret = root.parent / f"{name}.txt"
        secret.write_text(f"{password}\n")
        commands.append(("credentials", "add", name, "--user", user, "--password-file", str(secret)))
    for name, address in SERVERS.items():
        commands.append(("servers", "add", name, "--address", address, "--location-id", "WERK1"))
    for name, settings in CONNECTIONS.items():
        options = [each for key, value in settings.items() for each in (f"--{key}", value)]
        commands.append(("connections", "add", name, *options))
    return commands


@pytest.mark.slow
@pytest.mark.maco_lab(change=unconfigured)
def test_macos_half_of_the_article_by_the_command_line_alone(maco_lab: Lab, command: Command, tmp_path: Path) -> None:
    for user, _ in CREDENTIALS.values():
        maco_lab.mail_server.deliver(user)
    root = tmp_path / "root.pem"
    root.write_bytes(maco_lab.root_pem)

    for each in article(root):
        command(*each)

    assert command("poll").out == "way-a: 1 mail(s) fetched\nway-b: 1 mail(s) fetched\n"
    fetched = command("inbox", "--json").data["mails"]
    assert sorted(each["connection"] for each in fetched) == ["way-a", "way-b"]


@pytest.mark.slow
@pytest.mark.parametrize("more", [(), ("--isolate",)], ids=["one process", "isolated"])
def test_the_same_in_a_lab_that_up_runs(tmp_path: Path, more: tuple[str, ...]) -> None:
    (tmp_path / "lab.yaml").write_text(lab_text(None, unconfigured).text)
    certificates = tmp_path / "certificates"
    with running("up", "--ports", "auto", "--certs", str(certificates), *more, folder=tmp_path) as lab:
        lab.wait_for("ends the lab.")
        root = next(certificates.rglob("root.pem"))
        for each in article(root):
            done = in_this_process("maco", *each, folder=tmp_path)
            assert done.returncode == 0, done.stderr
        polled = run("maco", "poll", folder=tmp_path)

        assert polled.stdout == "way-a: 1 mail(s) fetched\nway-b: 1 mail(s) fetched\n"
        assert in_this_process("poll", "way-a", folder=tmp_path).stdout == "way-a: 0 mail(s) fetched\n"
