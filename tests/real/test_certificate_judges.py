"""Java, JavaMail, openssl s_client and the lab's MaCo say of every certificate what docs/certificates.md says."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs.cast import MAIL_HOST, Cast
from certs.verdicts import STORE, STORE_VERDICTS, VERDICTS, StoreVerdict
from maco_client.inbox import Inbox
from maco_client.key_store import KeyStore
from maco_client.settings import Protection
from maco_wire.observation import Handshake
from tests.maco_client.bench import Bench, Journal, der, make_connection
from tests.programs import require_program
from tests.real.certificate_judges import DEADLINE_S, Said, Trial, java_says, presenting_in_turn

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture(scope="module")
def cast() -> Cast:
    return Cast(dt.datetime.now(dt.UTC))


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    opened = Inbox(tmp_path / "inbox" / "inbox.db")
    yield opened
    opened.close()


def anchors(cast: Cast, names: Sequence[str], member: str = "") -> list[x509.Certificate]:
    return [cast.by_name(member).certificate if name == "leaf" else cast.authority(name).certificate for name in names]


def catalogue(cast: Cast) -> Trial:
    return Trial(anchors(cast, STORE), [cast.by_name(name) for name in VERDICTS])


def of_store(cast: Cast, case: StoreVerdict) -> Trial:
    return Trial(anchors(cast, case.store, case.certificate), [cast.by_name(case.certificate)])


def agrees(said: str, java: str) -> bool:
    return said.startswith(java) if java else said == "accepted"


def test_java_says_what_the_catalogue_says(cast: Cast, tmp_path: Path) -> None:
    said = dict(zip(VERDICTS, java_says("JSSE", [catalogue(cast)], tmp_path), strict=True))

    assert {name: each for name, each in said.items() if not agrees(each.text, VERDICTS[name].java)} == {}
    expected = {name: verdict.java_alert if verdict.java else "" for name, verdict in VERDICTS.items()}
    assert {name: each.alert for name, each in said.items()} == expected


def test_javamail_says_what_java_says_but_for_one_wildcard(cast: Cast, tmp_path: Path) -> None:
    said = dict(zip(VERDICTS, java_says("JavaMail", [catalogue(cast)], tmp_path), strict=True))

    differs = {name for name, each in said.items() if (each.text == "accepted") == bool(VERDICTS[name].java)}
    assert differs == {name for name, verdict in VERDICTS.items() if verdict.javamail_differs}


def test_java_ends_the_path_where_the_catalogue_says(cast: Cast, tmp_path: Path) -> None:
    said = java_says("JSSE", [of_store(cast, case) for case in STORE_VERDICTS], tmp_path)

    found = zip(STORE_VERDICTS, said, strict=True)
    assert [
        (case.store, case.certificate, each) for case, each in found if not agrees(each.text, case.verdict.java)
    ] == []
    expected = [case.verdict.java_alert if case.verdict.java else "" for case in STORE_VERDICTS]
    assert [each.alert for each in said] == expected


async def maco_says(trial: Trial, inbox: Inbox) -> list[Said]:
    """Return what the lab's MaCo says of each certificate of a trial, with Java's line, and Java's alert."""
    key_store = KeyStore({str(number): der(each) for number, each in enumerate(trial.anchors)})
    said = []
    with presenting_in_turn(trial.presented) as presenter:
        for _ in trial.presented:
            journal = Journal()
            poller = Bench(key_store, inbox, journal).poller(make_connection(Protection.IMAPS), presenter.address)
            result = await poller.poll()
            handshake = journal.only(Handshake)
            text = "accepted" if handshake.succeeded else result.error
            said.append(Said(text, result.java_text if not handshake.succeeded else "", handshake.java_alert))
    return said


def in_the_same_words(by_java: Said, by_maco: Said) -> bool:
    """Tell whether MaCo has Java's line whole, and Java's innermost text in its own; dates it writes its own way."""
    innermost = re.split(r"(?<=NotAfter: )|(?<=NotBefore: )|: RSA ", by_java.text)[0]
    return by_java.line == by_maco.line and innermost in by_maco.text


async def test_the_labs_maco_says_what_java_says(cast: Cast, inbox: Inbox, tmp_path: Path) -> None:
    by_java = java_says("JSSE", [catalogue(cast)], tmp_path)
    by_maco = await maco_says(catalogue(cast), inbox)

    compared = list(zip(VERDICTS, by_java, by_maco, strict=True))
    assert [each for each in compared if not in_the_same_words(each[1], each[2])] == []
    assert [each for each in compared if each[1].alert != each[2].alert] == []


async def test_the_labs_maco_ends_the_path_where_java_does_or_is_stricter(
    cast: Cast, inbox: Inbox, tmp_path: Path
) -> None:
    trials = [of_store(cast, case) for case in STORE_VERDICTS]
    by_java = java_says("JSSE", trials, tmp_path)
    by_maco = [(await maco_says(trial, inbox))[0] for trial in trials]

    differs = [
        case
        for case, java, maco in zip(STORE_VERDICTS, by_java, by_maco, strict=True)
        if not in_the_same_words(java, maco)
    ]
    assert differs == [case for case in STORE_VERDICTS if case.is_stricter]
    lenient = [maco for maco, java in zip(by_maco, by_java, strict=True) if maco.text == "accepted" != java.text]
    assert lenient == []


def by_s_client(openssl: str, port: int, trusted: Path) -> int:
    """Return the number of openssl s_client's verdict."""
    call: Sequence[str] = (
        *("-connect", f"127.0.0.1:{port}", "-servername", MAIL_HOST, "-verify_hostname", MAIL_HOST),
        *("-CAfile", str(trusted), "-no-CApath", "-no-CAstore", "-partial_chain", "-verify_return_error"),
        *("-cipher", "DEFAULT:@SECLEVEL=2"),
    )
    done = subprocess.run(
        [openssl, "s_client", *call], capture_output=True, text=True, timeout=DEADLINE_S, check=False, input=""
    )
    codes = [int(each) for each in re.findall(r"^verify error:num=(\d+):", done.stderr, re.MULTILINE)]
    codes += [int(each) for each in re.findall(r"Verify return code: (\d+)", done.stdout)]
    assert codes, done.stderr
    return codes[0]


def test_openssl_s_client_says_what_the_catalogue_says(cast: Cast, tmp_path: Path) -> None:
    openssl = require_program("openssl")
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(b"".join(each.public_bytes(Encoding.PEM) for each in anchors(cast, STORE)))

    with presenting_in_turn([cast.by_name(name) for name in VERDICTS]) as presenter:
        said = {name: by_s_client(openssl, presenter.address[1], trusted) for name in VERDICTS}

    assert said == {name: verdict.openssl for name, verdict in VERDICTS.items()}
