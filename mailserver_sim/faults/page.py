"""The table of faults as a page: ``python -m mailserver_sim.faults.page > docs/faults.md``."""

from __future__ import annotations

import sys

from mailserver_sim.faults.table import FAULTS, FaultKind, Parameter

HEAD = """# Faults of the mail server

What the lab's mail server gets wrong when it is told to: at a named step, so many times, and then it has recovered. A
client, or MaCo, is tested against exactly this misbehaviour; nothing is left to chance. Four ways to tell it:

- in the [lab file](lab-file.md): `mail_server.faults`, a list;
- in a test: `mail_server.break_at("starttls.refused", count=1, after=0, answer="BAD")` and `mail_server.heal()` of the
  [pytest plugin](testing.md);
- at a running server: `POST /api/faults`, `GET` and `DELETE` of the same, in the [API](mail-server.md#the-api) of the
  mail server;
- in Python: `MailServer.break_at`, `heal` and `faults` of `mailserver_sim.server`.

The step passes unharmed `after` times, then the fault strikes `count` times (0: until it is healed), then it is over.
`protocol` is the one listener that is meant (`imap`, `imaps`, `smtp`, `submission`, `smtps`, `pop3`, `pop3s`); without
it, every one that knows the step. "The second login fails" is `login.refused` with `after` 1. Several faults may wait
at one step: the first that is not over counts it. Each hit is reported in the [journal](journal.md) as `fault_struck`.

This page is written by `python -m mailserver_sim.faults.page`.

| step | protocols | what goes wrong | the client sees | parameters | what that breaks |
|---|---|---|---|---|---|
"""


def page() -> str:
    """Return the whole page."""
    return HEAD + "".join(_row(step, kind) for step, kind in FAULTS.items())


def _row(step: str, kind: FaultKind) -> str:
    parameters = "; ".join(_parameter(each) for each in kind.parameters)
    cells = (f"`{step}`", ", ".join(kind.families), kind.what, kind.client_sees, parameters, kind.breaks)
    return "| " + " | ".join(cells) + " |\n"


def _parameter(parameter: Parameter) -> str:
    choices = f" ({' or '.join(parameter.choices)})" if parameter.choices else ""
    return f"`{parameter.name}` = {parameter.default}{choices}: {parameter.meaning}"


if __name__ == "__main__":
    sys.stdout.write(page())
