"""Real programs that judge the mail servers' certificates: each meets a server that presents another one every time."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from certs.authority import Issued
from certs.cast import MAIL_HOST
from certs.trust import server_context
from maco_net.alerts import alert_received
from maco_wire.observation import Address
from tests.programs import missing, require_program

PATIENCE_S = 40.0
DEADLINE_S = 80.0
GREETING = b"* BYE judged\r\n"
JARS = ("/usr/share/java/javax.mail.jar", "/usr/share/java/javax.activation.jar")
PASSWORD = "changeit"


@dataclass
class Presenter:
    """A server of one connection for each certificate, in their order, with a greeting that ends it."""

    address: Address
    alerts: list[str] = field(default_factory=list)
    """What each client sent in place of an end of its handshake; empty for none."""


@contextlib.contextmanager
def presenting_in_turn(certificates: Sequence[Issued]) -> Iterator[Presenter]:
    """Serve one connection for each of ``certificates``."""
    contexts = [server_context(issued) for issued in certificates]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        presenter = Presenter(listener.getsockname())
        serving = threading.Thread(target=_serve, args=(listener, contexts, presenter.alerts))
        serving.start()
        try:
            yield presenter
        finally:
            serving.join(PATIENCE_S)


def _serve(listener: socket.socket, contexts: Sequence[ssl.SSLContext], alerts: list[str]) -> None:
    for context in contexts:
        connection, _ = listener.accept()
        connection.settimeout(PATIENCE_S)
        alerts.append("")
        try:
            with context.wrap_socket(connection, server_side=True) as secured:
                secured.sendall(GREETING)
        except ssl.SSLError as error:
            alerts[-1] = alert_received(error)
        except OSError:
            pass
        connection.close()


@dataclass(frozen=True)
class Trial:
    """What a judge trusts, and the certificates that he meets."""

    anchors: Sequence[x509.Certificate]
    presented: Sequence[Issued]


@dataclass(frozen=True)
class Said:
    """A judge's innermost text, ``accepted`` for none, the line of its log, and its alert."""

    text: str
    line: str
    alert: str


def java_says(judge: str, trials: Sequence[Trial], folder: Path) -> list[Said]:
    """Return what one JVM says of each certificate of each trial; ``judge`` is JSSE, or JavaMail without lines."""
    java = require_program("java")
    if not all(Path(jar).is_file() for jar in JARS):
        missing(f"JavaMail (package libmail-java) is not installed: {JARS}")
    (folder / "hosts").write_text(f"127.0.0.1 {MAIL_HOST}\n")
    source = Path(__file__).with_name("JudgeCertificates.java")
    options = [f"-Djdk.net.hosts.file={folder / 'hosts'}", "-cp", ":".join(JARS)]
    stores: list[str] = []
    for number, trial in enumerate(trials):
        stores += [str(_trust_store(trial.anchors, folder / f"{number}.p12")), str(len(trial.presented))]
    with presenting_in_turn([issued for trial in trials for issued in trial.presented]) as presenter:
        call = [judge, MAIL_HOST, str(presenter.address[1]), PASSWORD, *stores]
        done = subprocess.run(
            [java, *options, str(source), *call], capture_output=True, text=True, timeout=DEADLINE_S, check=False
        )
    assert done.returncode == 0, done.stderr
    said = (each.partition("\t") for each in done.stdout.splitlines())
    return [Said(text, line, alert) for (text, _, line), alert in zip(said, presenter.alerts, strict=True)]


def _trust_store(anchors: Sequence[x509.Certificate], file: Path) -> Path | str:
    if not anchors:  # which cryptography writes no store for
        return "nothing"
    entries = [pkcs12.PKCS12Certificate(each, b"%d" % number) for number, each in enumerate(anchors)]
    file.write_bytes(pkcs12.serialize_java_truststore(entries, BestAvailableEncryption(PASSWORD.encode())))
    return file
