"""JavaMail with its default settings (partial fetches of 16 KB) reads an attachment through `maco-lab forward`."""

from __future__ import annotations

import email.policy
import random
import subprocess
from email.message import EmailMessage
from pathlib import Path

import pytest

from maco_lab.testing.lab import Lab
from tests.programs import require_program
from tests.real.forwarding import IN_CLEAR, PASSWORD, USER, forwarding, require

pytestmark = [pytest.mark.real, pytest.mark.slow]

ATTACHMENT = random.Random(4711).randbytes(200 * 1024)
DEADLINE_S = 50.0
JARS = ("/usr/share/java/javax.mail.jar", "/usr/share/java/javax.activation.jar")


def mail_with_attachment() -> bytes:
    mail = EmailMessage(policy=email.policy.SMTP)
    mail["From"], mail["To"], mail["Subject"] = "netz@nachbar.example", USER, "UTILMD"
    mail.set_content("An interchange is attached.\n")
    mail.add_attachment(ATTACHMENT, maintype="application", subtype="octet-stream", filename="UTILMD.edi")
    return mail.as_bytes()


def test_javamail_reads_an_attachment_of_200_kb_byte_for_byte(maco_lab: Lab, tmp_path: Path) -> None:
    java = require_program("java")
    modules = subprocess.run([java, "--list-modules"], capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    require("jdk.compiler" in modules.stdout, "java is no JDK: it runs no source file, this test proves nothing here")
    require(all(Path(jar).is_file() for jar in JARS), f"JavaMail (package libmail-java) is not installed: {JARS}")
    forward = forwarding(maco_lab, tmp_path)
    forward.deliver(mail_with_attachment())
    (tmp_path / "password").write_text(PASSWORD)
    source = Path(__file__).with_name("ReadAttachment.java")
    with forward.port(IN_CLEAR) as port:
        call = ["127.0.0.1", str(port), USER, str(tmp_path / "password"), str(tmp_path / "attachment")]
        done = subprocess.run(
            [java, "-cp", ":".join(JARS), str(source), *call],
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )

    assert (done.returncode, done.stdout) == (0, "UTILMD.edi\n"), done.stderr
    assert (tmp_path / "attachment").read_bytes() == ATTACHMENT
