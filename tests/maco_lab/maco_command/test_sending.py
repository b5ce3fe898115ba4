from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from maco_lab.cli import app
from maco_lab.testing.lab import Lab
from tests.maco_lab.maco_command.command import Command

STROM, GAS = "strom@stadtwerke.example", "gas@stadtwerke.example"
OUT = ("--address", "mail.stadtwerke.example:587", "--location-id", "WERK1", "--protection", "STARTTLS Mandatory",
       "--authentication", "Plain User Name/Password", "--credential", "STROM", "--sender", STROM)  # fmt: skip


@pytest.mark.parametrize(
    "arguments", [["sending", each] for each in ("list", "show", "add", "change", "delete")] + [["send"]]
)
def test_every_command_has_help(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, ["maco", *arguments, "--help"])
    assert (result.exit_code, "Usage:" in result.stdout) == (0, True)


@pytest.mark.slow
def test_a_connection_of_ones_own_sends_a_file_and_maco_fetches_it(
    command: Command, maco_lab: Lab, tmp_path: Path
) -> None:
    added = command("sending", "add", "out", *OUT, "--mail-body", "see there", "--attach", "m.txt=Text/Plain").out
    assert "attachments" in added
    assert "m.txt (Text/Plain, Body)" in added
    (tmp_path / "mscons.txt").write_bytes(b"UNA:+.? '\xe4")

    told = command("send", "out", "mscons.txt", "--to", GAS, "--subject", "MSCONS").out
    assert told.startswith(f"out: sent to {GAS}: 250 ")

    command("poll", "way-b")
    assert "MSCONS" in command("inbox").out
    shown = command("show", "1").out
    assert "see there" in shown
    assert "[m.txt, text/plain, 10 bytes]" in shown

    assert command("sending", "list").out.splitlines()[2].split()[:2] == ["out", "mail.stadtwerke.example:587"]
    command("sending", "change", "out", "--protection", "STARTTLS Optional")
    assert "STARTTLS Optional" in command("sending", "show", "out").out
    assert command("sending", "delete", "out").out == "out: deleted\n"


def test_what_is_not_taken_is_exit_code_1_and_one_line_with_its_hint(command: Command) -> None:
    told = command("send", "to-partners", "-", "--to", "nobody@stadtwerke.example", text="UNB", code=1).out.splitlines()
    assert told[0].startswith("to-partners: failed at step 'recipients': SendFailedException: Invalid Addresses")
    assert "nobody@stadtwerke.example refused: 55" in told[0]
    assert told[1] == "  look at: To, Cc and Bcc"


def test_what_cannot_be_sent_is_exit_code_2(command: Command) -> None:
    assert command("send", "x", "-", code=2).err.startswith("found sending connection 'x', allowed: 'to-partners'")
    assert command("send", "to-partners", "gone.txt", code=2).err == "gone.txt: No such file or directory\n"
    assert command("send", "to-partners", "-", "--to", "x", code=2).err.startswith(
        "to: found 'x', allowed is 'name@host'"
    )


def test_json_has_the_whole_result_and_no_secret(command: Command) -> None:
    outcome = command("send", "to-partners", "-", "--json", text="UNB")
    assert (outcome.data["result"]["outcome"], outcome.data["result"]["size"] > 100) == ("sent", True)
    listed = command("sending", "list", "--json").out
    assert not any(secret in outcome.out + listed for secret in ("Strom4711Postfach", "U3Ryb200NzExUG9zdGZhY2g"))
