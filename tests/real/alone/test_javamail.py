"""JavaMail 1.6.5 with its default settings, by STARTTLS and by TLS, in one run of Java: its start takes long."""

from __future__ import annotations

import email.policy
import random
import subprocess
from email.message import EmailMessage
from pathlib import Path

import pytest
from cryptography import x509

from certs.files import trust_store
from tests.programs import missing, require_program
from tests.real.alone.server import ADDRESS, DEADLINE_S, HOST, PASSWORD, USER, AloneServer, mail

pytestmark = [pytest.mark.real, pytest.mark.slow]

ATTACHMENT = random.Random(4711).randbytes(200 * 1024)
JARS = ("/usr/share/java/javax.mail.jar", "/usr/share/java/javax.activation.jar")
PROTOCOLS = ("imap", "imaps")
TRUST_PASSWORD = "throw-away"


def with_attachment() -> bytes:
    made = EmailMessage(policy=email.policy.SMTP)
    made["From"], made["To"], made["Subject"] = "netz@nb.example", ADDRESS, "UTILMD"
    made.set_content("An interchange is attached.\n")
    made.add_attachment(ATTACHMENT, maintype="application", subtype="octet-stream", filename="UTILMD.edi")
    return made.as_bytes()


def test_javamail_reads_searches_copies_expunges_and_idles(alone: AloneServer, tmp_path: Path) -> None:
    java = require_program("java")
    if not all(Path(jar).is_file() for jar in JARS):
        missing(f"JavaMail (package libmail-java) is not installed: {JARS}")
    alone.deliver(mail("MSCONS"), with_attachment())
    trusted = tmp_path / "root.p12"
    root = x509.load_pem_x509_certificate(alone.root.read_bytes())
    trusted.write_bytes(trust_store(root, "root", TRUST_PASSWORD))
    trust = [f"-Djavax.net.ssl.trustStore={trusted}", f"-Djavax.net.ssl.trustStorePassword={TRUST_PASSWORD}"]
    source = str(Path(__file__).with_name("MailboxWork.java"))
    connections = [part for each in PROTOCOLS for part in (each, str(alone.port(each)))]
    call = [java, *trust, "-cp", ":".join(JARS), source, HOST, USER, PASSWORD, str(tmp_path), *connections]
    printed: list[str] = []
    with subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8") as process:
        assert process.stdout
        for line in process.stdout:
            printed.append(line.rstrip())
            if line.startswith("idles by"):
                alone.deliver(with_attachment())
        assert process.wait(DEADLINE_S) == 0, printed

    told = [f"idles by {each}" for each in PROTOCOLS]
    assert printed == [
        "expunged 1 of 1",
        told[0],
        "idled for UTILMD",
        "expunged 1 of 1",
        told[1],
        "idled for UTILMD",
    ]
    for protocol in PROTOCOLS:
        assert (tmp_path / protocol).read_bytes() == ATTACHMENT
        assert [each["subject"] for each in alone.messages(f"Archive {protocol}")] == ["UTILMD"]
