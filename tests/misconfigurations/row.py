"""One row of the table of misconfigurations: what is set wrong in a lab file, and what every party shows then.

``…`` in a text stands for whatever differs from run to run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from maco_lab.testing.settings import Change
from tests.failures.settings import INTERNAL_A, WAY_A

NOTHING = ""
PASSED_ON = f"opens TCP to {INTERNAL_A}"
"""What the Cloud Connector shows of way A: it has done its part."""
STARTED = "STARTTLS asked"


@dataclass(frozen=True)
class Row:
    """A mistake in the settings.

    ``number`` is stable: a letter behind it tells variants of one mistake apart. ``hop`` is where it shows, ``wrong``
    what is set wrong in which ``system``, ``correct`` the setting that puts it right. ``connector`` and ``mail_server``
    are all that these two show of the poll. ``password_sent`` tells whether MaCo gives its password away.
    """

    number: str
    hop: str
    system: str
    wrong: str
    change: Change
    stage: str
    maco: str
    correct: str
    connector: str = NOTHING
    mail_server: str = NOTHING
    way: str = WAY_A
    socks_status: int | None = None
    socks_reply: int | None = None
    alert_sent: str = ""
    alert_received: str = ""
    java_alert: str = ""
    java_text: str = ""
    """The line that the real MaCo would log, where its text is not all."""
    answer: str = ""
    tunnel: str = ""
    """Why the Cloud Connector's tunnel is not up, as its administration shows it."""
    password_sent: bool = False
    works: bool = False
    """Nothing fails: that is what is wrong with it."""

    @property
    def evidence(self) -> tuple[tuple[str, str], ...]:
        """What MaCo shows beside its text, as name and value."""
        found = (
            ("SOCKS status", _hexadecimal(self.socks_status)),
            ("SOCKS reply", _hexadecimal(self.socks_reply)),
            ("TLS alert sent", self.alert_sent + (f" (Java: {self.java_alert})" if self.java_alert else "")),
            ("TLS alert received", self.alert_received),
            ("answer", self.answer),
        )
        return tuple((name, value) for name, value in found if value)


@dataclass(frozen=True)
class Refused:
    """A mistake that cannot even be set: ``told`` is why, as the real product does not offer it."""

    number: str
    system: str
    wrong: str
    change: Change
    told: str
    correct: str


def _hexadecimal(code: int | None) -> str:
    return "" if code is None else f"0x{code:02X}"


def shows(expected: str, text: str) -> bool:
    """Tell whether ``text`` is what is expected, with anything in the place of ``…``."""
    pattern = ".*".join(re.escape(piece) for piece in expected.split("…"))
    return re.fullmatch(pattern, text, re.DOTALL) is not None
