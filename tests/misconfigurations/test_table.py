"""Every mistake of the table, made by settings of the lab file alone: each party shows what the table says."""

from __future__ import annotations

import pytest

from maco_lab.failure import Failure, settled_failure
from maco_lab.lab_file import LabFileError
from maco_lab.testing.journal import LabJournal
from maco_lab.testing.lab import Lab
from maco_lab.testing.settings import lab_text
from maco_lab.witnesses import told_by
from maco_wire.observation import Party, PollFinished, TunnelState
from tests.misconfigurations.page import PAGE, page
from tests.misconfigurations.row import Refused, Row, shows
from tests.misconfigurations.table import HOPS, REFUSED, ROWS

pytestmark = pytest.mark.usefixtures("mail_waits")


def shown(failure: Failure) -> dict[str, object]:
    """Return what MaCo shows beside its text."""
    names = ("stage", "socks_status", "socks_reply", "alert_sent", "alert_received", "java_alert")
    return {name: getattr(failure, name) for name in names}


@pytest.mark.parametrize(
    ("maco_lab_settings", "row"), [pytest.param(row.change, row, id=row.number) for row in ROWS if not row.works]
)
def test_a_mistake_fails_the_poll_and_every_party_shows_its_part(
    maco_lab: Lab, lab_journal: LabJournal, row: Row
) -> None:
    result = maco_lab.maco.poll(row.way)

    failure = maco_lab.thread.run(settled_failure(maco_lab.running.journal, result))
    assert shows(row.maco, failure.error), failure.error
    expected = {name: getattr(row, name) for name in shown(failure)}
    assert shown(failure) == expected
    assert shows(row.java_text, failure.java_text), failure.java_text
    assert shows(row.answer, failure.server_answer), failure.server_answer
    assert failure.hint, "nothing is said of the setting to look at"
    assert_the_others_show(row, {party: failure.seen_by.get(party, "") for party in Party})
    if row.tunnel:
        assert row.tunnel in {each.reason for each in lab_journal.of(TunnelState, Party.CLOUD_CONNECTOR)}
    assert lab_journal.no_password_was_sent() != row.password_sent


@pytest.mark.parametrize(
    ("maco_lab_settings", "row"), [pytest.param(row.change, row, id=row.number) for row in ROWS if row.works]
)
def test_a_mistake_that_works_is_seen_by_nobody(maco_lab: Lab, lab_journal: LabJournal, row: Row) -> None:
    result = maco_lab.maco.poll(row.way)

    assert (result.succeeded, result.stage, result.error) == (True, row.stage, row.maco)
    seen = [entry.observation for entry in lab_journal]
    assert_the_others_show(row, {party: "; ".join(told_by(party, seen)) for party in Party})
    assert lab_journal.no_password_was_sent() != row.password_sent


def assert_the_others_show(row: Row, seen: dict[Party, str]) -> None:
    assert shows(row.connector, seen[Party.CLOUD_CONNECTOR]), seen[Party.CLOUD_CONNECTOR]
    assert shows(row.mail_server, seen[Party.MAIL_SERVER]), seen[Party.MAIL_SERVER]


@pytest.mark.parametrize("refused", [pytest.param(each, id=each.number) for each in REFUSED])
def test_a_mistake_is_refused_when_it_is_set(refused: Refused) -> None:
    with pytest.raises(LabFileError) as caught:
        lab_text(None, refused.change).parsed()

    assert refused.told in str(caught.value)


def test_the_journal_has_the_same_values_as_the_result(maco_lab: Lab, lab_journal: LabJournal) -> None:
    maco_lab.cloud_connector.disconnect()

    result = maco_lab.maco.poll("way-a")

    finished = lab_journal.one(PollFinished)
    assert (result.succeeded, result.socks_reply) == (False, 0x03)
    assert {name: value for name, value in finished.as_fields().items() if name in dir(result)} == {
        name: getattr(result, name) for name in finished.as_fields() if name in dir(result)
    }


def test_the_table_has_every_row_of_hops_1_to_5_and_none_twice() -> None:
    numbers = [row.number for row in ROWS]
    mistakes = {number[:3] for number in numbers}

    # Of M01 to M51 and M55 those that are no mistake on hops 1 to 5: M49 is about uploading, and of M42 to M45 nothing
    # shows on the wire.
    elsewhere = {"M42", "M43", "M44", "M45", "M49"}
    mistakes |= {each.number[:3] for each in REFUSED}
    assert mistakes == {f"M{number:02}" for number in (*range(1, 52), 55)} - elsewhere
    assert len(numbers) == len(set(numbers))
    assert {row.hop for row in ROWS} == set(HOPS)


def test_the_page_is_that_of_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(ROWS, REFUSED), "run python -m tests.misconfigurations"
