"""Java, JavaMail and openssl s_client say of every certificate what the catalogue says (docs/certificates.md)."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12

from certs.cast import MAIL_HOST, Cast
from certs.verdicts import VERDICTS, Verdict
from tests.programs import missing, require_program
from tests.real.certificate_judges import presenting_in_turn

pytestmark = [pytest.mark.real, pytest.mark.slow]

DEADLINE_S = 50.0
JARS = ("/usr/share/java/javax.mail.jar", "/usr/share/java/javax.activation.jar")
PASSWORD = "changeit"
VERIFY_CODE = re.compile(r"^Verify return code: (\d+)|Verification error: (.*)", re.MULTILINE)


@pytest.fixture(scope="module")
def cast() -> Cast:
    return Cast(dt.datetime.now(dt.UTC))


def anchors(cast: Cast) -> list[x509.Certificate]:
    return [cast.root_certificate, cast.authority("expired_root_ca").certificate]


def by_java(cast: Cast, folder: Path) -> list[str]:
    """Return what one JVM says of all certificates, first by JSSE, then by JavaMail."""
    java = require_program("java")
    if not all(Path(jar).is_file() for jar in JARS):
        missing(f"JavaMail (package libmail-java) is not installed: {JARS}")
    entries = [pkcs12.PKCS12Certificate(each, b"%d" % i) for i, each in enumerate(anchors(cast))]
    store = pkcs12.serialize_java_truststore(entries, BestAvailableEncryption(PASSWORD.encode()))
    (folder / "trusted.p12").write_bytes(store)
    (folder / "hosts").write_text(f"127.0.0.1 {MAIL_HOST}\n")
    source = Path(__file__).with_name("JudgeCertificates.java")
    names = f"-Djdk.net.hosts.file={folder / 'hosts'}"
    with presenting_in_turn([cast.by_name(name) for name in VERDICTS] * 2) as (_, port):
        call = [str(folder / "trusted.p12"), PASSWORD, MAIL_HOST, str(port), str(len(VERDICTS))]
        done = subprocess.run(
            [java, names, "-cp", ":".join(JARS), str(source), *call],
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def agrees(said: str, verdict: Verdict) -> bool:
    return said.startswith(verdict.java) if verdict.java else said == "accepted"


def test_java_and_javamail_say_what_the_catalogue_says(cast: Cast, tmp_path: Path) -> None:
    said = by_java(cast, tmp_path)

    assert len(said) == 2 * len(VERDICTS)
    by_jsse = dict(zip(VERDICTS, said, strict=False))
    assert {name: text for name, text in by_jsse.items() if not agrees(text, VERDICTS[name])} == {}
    by_javamail = dict(zip(VERDICTS, said[len(VERDICTS) :], strict=True))
    differs = {name for name, text in by_javamail.items() if (text == "accepted") != (by_jsse[name] == "accepted")}
    assert differs == {name for name, verdict in VERDICTS.items() if verdict.javamail_differs}


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
    trusted.write_bytes(b"".join(each.public_bytes(Encoding.PEM) for each in anchors(cast)))

    with presenting_in_turn([cast.by_name(name) for name in VERDICTS]) as (_, port):
        said = {name: by_s_client(openssl, port, trusted) for name in VERDICTS}

    assert said == {name: verdict.openssl for name, verdict in VERDICTS.items()}
