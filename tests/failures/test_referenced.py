"""Rows of the matrix whose claims ``tests/integration`` asserts already: the same mistakes, observed for the page."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from maco_lab.testing.journal import LabJournal
from maco_lab.testing.lab import Lab
from maco_lab.testing.settings import Change
from tests.failures.matrix import ROOT, Matrix, poll
from tests.failures.raw_client import METHOD_80, talk, token_message
from tests.failures.settings import WAY_A, WAY_B
from tests.integration import test_routing, test_starttls, test_tokens, test_trust

FOLDER = "tests/integration"


@dataclass(frozen=True)
class Referenced:
    """A mistake, and the test that asserts what it leads to."""

    section: str
    wrong: str
    way: str
    change: Change | None
    test: str
    works: bool = False


ROWS = {
    "root_missing_at_maco": Referenced(
        "certificates",
        "A: the root is missing in MaCo's key store",
        WAY_A,
        test_trust.trusting(maco=["cloud_root"], connector=[]),
        f"{FOLDER}/test_trust.py::test_way_a_fails_when_the_root_is_missing_at_maco",
    ),
    "root_only_at_connector": Referenced(
        "certificates",
        "A: the root is only in the connector's back-end trust store",
        WAY_A,
        test_trust.trusting(maco=["cloud_root"], connector=["root", "intermediate"]),
        f"{FOLDER}/test_trust.py::test_way_a_fails_when_the_root_is_only_in_the_connectors_store",
    ),
    "empty_key_store": Referenced(
        "certificates",
        "A: MaCo's key store is empty",
        WAY_A,
        test_trust.trusting(maco=[], connector=["root"]),
        f"{FOLDER}/test_trust.py::test_way_a_fails_when_macos_key_store_is_empty",
    ),
    "root_only_at_maco": Referenced(
        "certificates",
        "B: the root is only in MaCo's key store",
        WAY_B,
        test_trust.trusting(maco=["root", "intermediate"], connector=["cloud_root"]),
        f"{FOLDER}/test_trust.py::test_way_b_fails_when_the_root_is_only_at_maco",
    ),
    "virtual_host_is_not_the_name": Referenced(
        "certificates",
        "A: the virtual host is not the name in the certificate",
        WAY_A,
        test_trust.rename_virtual_host,
        f"{FOLDER}/test_trust.py::test_way_a_fails_when_the_virtual_host_is_not_the_name_in_the_certificate",
    ),
    "virtual_host_of_way_b": Referenced(
        "certificates",
        "B: the virtual host is not the name in the certificate",
        WAY_B,
        None,
        f"{FOLDER}/test_trust.py::test_way_b_works_when_the_virtual_host_is_not_the_name_in_the_certificate",
        works=True,
    ),
    "wrong_location_id": Referenced(
        "routing",
        "MaCo's location ID is wrong",
        WAY_A,
        test_routing.first_server(location_id="WERK9"),
        f"{FOLDER}/test_routing.py::test_a_wrong_location_id_is_answered_with_0x03_before_any_connector_is_asked",
    ),
    "back_end_refused": Referenced(
        "routing",
        "the back end is down: it refuses connections",
        WAY_A,
        test_routing.point_at_a_closed_port,
        f"{FOLDER}/test_routing.py::test_a_back_end_that_is_down_is_answered_with_0x04",
    ),
    "mandatory_not_offered": Referenced(
        "starttls",
        "the mail server offers no STARTTLS; Protection STARTTLS Mandatory",
        WAY_A,
        test_starttls.without_starttls("STARTTLS Mandatory"),
        f"{FOLDER}/test_starttls.py::test_mandatory_fails_before_any_credential_is_sent",
    ),
    "optional_not_offered": Referenced(
        "starttls",
        "the mail server offers no STARTTLS; Protection STARTTLS Optional",
        WAY_A,
        test_starttls.without_starttls("STARTTLS Optional"),
        f"{FOLDER}/test_starttls.py::test_optional_goes_on_in_clear_and_the_journal_says_so",
        works=True,
    ),
}


@pytest.mark.parametrize(
    ("maco_lab_settings", "row"), [pytest.param(row.change, row, id=name) for name, row in ROWS.items()]
)
def test_the_page_says_what_the_integration_test_asserts_of(
    maco_lab: Lab, lab_journal: LabJournal, matrix: Matrix, row: Referenced
) -> None:
    result = poll(maco_lab, row.way)

    assert result.succeeded == row.works
    assert_exists(row.test)
    if result.stage == "starttls" and "STARTTLS failure" in result.error:
        lab_journal.server_handshake(succeeded=False)
    matrix.row(row.wrong, section=row.section, test=row.test)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        pytest.param(test_tokens.tampered, "tampered with", id="tampered"),
        pytest.param(test_tokens.expired, "expired", id="expired"),
    ],
)
def test_the_page_says_what_the_integration_test_asserts_of_a_token_that_is(
    maco_lab: Lab, matrix: Matrix, make: test_tokens.MakeToken, words: str
) -> None:
    test = f"{FOLDER}/test_tokens.py::test_a_bad_token_is_answered_with_01_05_and_the_connection_is_closed"
    assert maco_lab.token() != make(maco_lab)

    heard = talk(maco_lab, METHOD_80, token_message(make(maco_lab)))

    assert_exists(test)
    matrix.row(
        f"the token is {words}",
        section="tokens",
        raw=("it", heard.answers[-1]),
        test=f"{test}[{words.partition(' ')[0]}]",
    )


def assert_exists(test: str) -> None:
    file, _, name = test.partition("::")
    assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8")
