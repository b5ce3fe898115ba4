"""A running lab as tests use it: synchronous, built from the default lab file with some settings changed."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ruamel.yaml import YAML

from certs.cast import Cast
from maco_client.results import PollResult
from maco_lab.background import BackgroundLoop
from maco_lab.journal import Journal
from maco_lab.lab_file import LabFile, default_text, parse_lab
from maco_lab.sight import Sight, sight_of
from maco_lab.testing.lab import new_authority, started_lab
from maco_lab.topology import RunningLab
from maco_wire.observation import CanarySeen, Handshake, Login, Observation, Party, StreamRefused

DEADLINE_S = 10.0

_O = TypeVar("_O", bound=Observation)

Change = Callable[[dict[str, Any]], None]
"""Changes the lab file, given as plain data."""


def changed_lab_file(change: Change, folder: Path) -> LabFile:
    """Return the default lab file after ``change``."""
    yaml = YAML(typ="safe", pure=True)
    data = yaml.load(default_text())
    change(data)
    text = io.StringIO()
    yaml.dump(data, text)
    return parse_lab(text.getvalue(), name="changed lab.yaml", folder=folder)


@dataclass
class LabUnderTest:
    """A running lab on the background loop."""

    loop: BackgroundLoop
    lab: RunningLab

    @property
    def journal(self) -> Journal:
        return self.lab.journal

    def seed(self) -> None:
        """Deliver one mail to every mailbox."""
        self.loop.run(self.lab.seed_mail())

    def poll(self, connection: str) -> PollResult:
        return self.loop.run(self.lab.maco.poll(connection))

    def sight(self, connection: str) -> Sight:
        sight = sight_of(self.journal.entries(), connection)
        assert sight is not None
        return sight

    def of(self, kind: type[_O], party: Party | None = None) -> list[_O]:
        return [each for each in self.journal.of(kind) if party in (None, each.party)]

    def wait_for(self, kind: type[_O], party: Party, **fields: object) -> _O:
        """Return the first such observation, as soon as it is there."""

        def wanted(observation: Observation) -> bool:
            return (
                isinstance(observation, kind)
                and observation.party is party
                and all(getattr(observation, name) == value for name, value in fields.items())
            )

        entry = self.loop.run(self.journal.wait_for(lambda each: wanted(each.observation), timeout_s=DEADLINE_S))
        assert isinstance(entry.observation, kind)
        return entry.observation

    def mail_server_handshake(self, *, succeeded: bool) -> Handshake:
        """Return the mail server's own view of a handshake."""
        return self.wait_for(Handshake, Party.MAIL_SERVER, succeeded=succeeded)

    def client_handshake(self, party: Party) -> Handshake:
        """Return the handshake with the mail server of the one party that did it; nobody else may have."""
        found = [each for each in self.of(Handshake) if each.role == "client" and each.session != "tunnel"]
        assert [each.party for each in found] == [party]
        return found[0]

    def passwords_held_by(self) -> set[Party]:
        """Return every party that saw a mailbox password in clear."""
        return {each.party for each in self.of(CanarySeen) if each.name.startswith("mailbox password")}

    def no_password_was_sent(self) -> bool:
        """Tell whether no party saw a password, and no login was attempted with one."""
        return not self.passwords_held_by() and not any(each.credentials_sent for each in self.of(Login))

    def refusal(self, party: Party) -> StreamRefused:
        """Return the one refusal of a party."""
        found = self.of(StreamRefused, party)
        assert len(found) == 1
        return found[0]


@contextlib.contextmanager
def lab_under_test(
    loop: BackgroundLoop, folder: Path, change: Change, authority: Cast | None = None
) -> Iterator[LabUnderTest]:
    """Run a lab on free ports while the block runs; without ``authority`` it has certificates of its own."""
    file = changed_lab_file(change, folder)
    with started_lab(file, folder / "state", authority=authority or new_authority()) as lab:
        yield LabUnderTest(loop, lab.running)
