"""The pytest plugin: a running landscape and its parties as fixtures.

``maco_lab`` is the whole of it, ``maco``, ``mail_server``, ``cloud_connector`` and ``lab_journal`` are its parts. The
landscape runs on free ports in one background thread, starts with the first test that asks for it, and is reset before
each further test. Override ``maco_lab_settings`` (in a module, a class or a conftest.py) for a landscape with other
settings, mark one test with ``maco_lab(change=...)`` for a change on top of them, and override ``maco_lab_authority``
for certificates of your own making. What the fixtures can do stands in ``maco_lab.testing``.

Nothing heavy is imported here: every run of pytest on the machine loads this module.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from certs.cast import Cast
    from maco_lab.testing.journal import LabJournal
    from maco_lab.testing.lab import Lab
    from maco_lab.testing.parties import CloudConnector, Maco, MailServer
    from maco_lab.testing.pool import LabPool
    from maco_lab.testing.settings import Change, Settings

MARKER = "maco_lab"
JOURNAL_LINES = 40
"""How much of the journal is shown below a test that failed."""


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, for ``--strict-markers`` and ``pytest --markers``."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(change): let ``change`` alter the data of this test's lab file, after maco_lab_settings; "
        "more than one apply from the outermost (module) to the innermost (test).",
    )


@pytest.fixture(scope="session")
def maco_lab_settings() -> Settings:
    """Return what the lab is made from: None, a change of the default lab file, a lab file's path, or its data."""
    return None


@pytest.fixture(scope="session")
def maco_lab_authority() -> Cast:
    """Return the certificates of all labs of this session, good and bad, by name."""
    from maco_lab.testing.lab import new_authority

    return new_authority()


@pytest.fixture(scope="session")
def maco_lab_pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabPool]:
    """Keep the labs that run in this session, a few at most."""
    from maco_lab.testing.pool import LabPool

    with LabPool(tmp_path_factory.mktemp("maco-lab", numbered=True)) as pool:
        yield pool


@pytest.fixture
def maco_lab(
    request: pytest.FixtureRequest, maco_lab_pool: LabPool, maco_lab_settings: Settings, maco_lab_authority: Cast
) -> Lab:
    """Return the running landscape, as new: no mail, an empty journal, tunnels up, mappings as in the settings."""
    from maco_lab.lab_file import LabFileError
    from mailserver_sim.reactor import ReactorError

    try:
        return maco_lab_pool.take(maco_lab_settings, maco_lab_authority, *_changes(request.node))
    except LabFileError as error:
        pytest.fail(f"maco_lab_settings is no lab that can run:\n{error}", pytrace=False)
    except FileNotFoundError as error:
        pytest.fail(f"maco_lab_settings: {error.filename}: {error.strerror}", pytrace=False)
    except ReactorError as error:
        pytest.fail(
            f"maco_lab cannot run in this process. {error}\nSomething imported twisted.internet.reactor before the "
            "first lab started (a test module, a conftest.py, another plugin): "
            "run those tests in a pytest of their own.",
            pytrace=False,
        )


def _changes(test: pytest.Item) -> list[Change]:
    """Return what the markers of a test hold, outermost first."""
    changes = []
    for mark in reversed(list(test.iter_markers(MARKER))):
        if mark.args or list(mark.kwargs) != ["change"] or not callable(mark.kwargs["change"]):
            pytest.fail(
                f"found {mark.name}{mark.args or mark.kwargs}, allowed: maco_lab(change=function)", pytrace=False
            )
        changes.append(mark.kwargs["change"])
    return changes


@pytest.fixture
def maco(maco_lab: Lab) -> Maco:
    """Return SAP Market Communication: poll an e-mail connection, read the inbox."""
    return maco_lab.maco


@pytest.fixture
def mail_server(maco_lab: Lab) -> MailServer:
    """Return the mail server on premise: deliver a mail, look into a mailbox."""
    return maco_lab.mail_server


@pytest.fixture
def cloud_connector(maco_lab: Lab) -> CloudConnector:
    """Return the first Cloud Connector: its tunnel and its system mappings."""
    return maco_lab.cloud_connector


@pytest.fixture
def lab_journal(maco_lab: Lab) -> LabJournal:
    """Return what every party observed in this test."""
    return maco_lab.journal


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of the journal below a test that failed."""
    report = yield
    lab: Lab | None = getattr(item, "funcargs", {}).get("maco_lab")
    if report.when == "call" and report.failed and lab is not None:
        report.sections.append(("maco-lab journal", "\n".join(lab.journal.digest()[-JOURNAL_LINES:])))
    return report


def pytest_unconfigure() -> None:
    """Close the descriptor that Twisted keeps in reserve: it would be reported as leaked when the interpreter ends."""
    import sys

    tcp = sys.modules.get("twisted.internet.tcp")
    if tcp is not None and tcp._reservedFD.available():  # noqa: SLF001 - Twisted has no public word for it
        tcp._reservedFD.__enter__()  # noqa: SLF001
