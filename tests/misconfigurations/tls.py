"""Mistakes with certificates, names and trust stores: TLS by the Cloud Connector (hop 3) and by MaCo (hop 4)."""

from __future__ import annotations

from typing import Any

from maco_lab.testing.settings import Change
from tests.failures.scripted import both
from tests.failures.settings import (
    INTERNAL_B,
    WAY_A,
    WAY_B,
    back_end_store,
    certificate,
    cloud,
    connector,
    email_server,
    key_store,
    mail_tls,
    mapping,
    verification,
)
from tests.misconfigurations.routing import UNREACHABLE, refused
from tests.misconfigurations.row import NOTHING, PASSED_ON, STARTED, Row

PKIX_BUILD = "PKIX path building failed: unable to find valid certification path to requested target"
PKIX_DATES = "PKIX path validation failed: validity check failed: "
PKIX_STRENGTH = "PKIX path validation failed: Algorithm constraints check failed on "
NO_ISSUER = "unable to get local issuer certificate"
JAVA = "certificate_unknown"
JAVA_CLASSES = {
    "PKIX path building failed: ": "sun.security.provider.certpath.SunCertPathBuilderException",
    "PKIX path validation failed: ": "java.security.cert.CertPathValidatorException",
}

_MACO_STORE = "MaCo's key store: import the root certificate of the mail server's chain"
_CONNECTOR_STORE = "Cloud Connector, Configuration, On Premises, Backend Trust Store: add a CA certificate of the chain"
_VIRTUAL_HOST = (
    "Cloud Connector: the mapping anew, its Virtual Host the name in the certificate; MaCo: Address likewise"
)
_NEW_CERTIFICATE = "mail server: another certificate"
_CLIENT_CERTIFICATE = "way B with a system certificate in the Cloud Connector; or the mail server demands none"


def virtual_host(name: str) -> Change:
    """Give the mapping of way A another virtual host, which MaCo uses."""
    return both(mapping(WAY_A, virtual=f"{name}:143"), email_server(WAY_A, address=f"{name}:143"))


def java_line(text: str) -> str:
    """Return the line of Java 17 for what MaCo says: as ``tests/real`` has it from Java itself."""
    for beginning, inner in JAVA_CLASSES.items():
        if text.startswith(beginning):
            said = text.removeprefix(beginning).partition(": Certificate")[0]  # a cause is a line of its own
            return f"javax.net.ssl.SSLHandshakeException: {beginning}{inner}: {said}"
    return f"javax.net.ssl.SSLHandshakeException: {text}"


def at_maco(
    number: str,
    wrong: str,
    change: Change,
    text: str,
    alert: str,
    correct: str,
    *,
    java: str = JAVA,
    line: str | None = None,
) -> Row:
    """Return a mistake that MaCo finds in its own handshake (way A)."""
    return Row(
        number, "H4", "MaCo" if correct is _MACO_STORE else "mail server", wrong, change,
        "starttls", f"STARTTLS failure: {text}", correct,
        connector=PASSED_ON, mail_server=f"{STARTED}; TLS alert received: {alert}", alert_sent=alert, java_alert=java,
        java_text=java_line(text) if line is None else line,
    )  # fmt: skip


def at_connector(number: str, wrong: str, change: Change, text: str, alert: str, correct: str) -> Row:
    """Return a mistake that the Cloud Connector finds in its handshake (way B); MaCo learns nothing of it."""
    return Row(
        number, "H3", "Cloud Connector" if correct is _CONNECTOR_STORE else "mail server", wrong, change,
        "socks", refused(UNREACHABLE, "mailbox.virtual, 993"), correct, way=WAY_B, socks_reply=0x04,
        connector=f"TLS with internal host {INTERNAL_B} failed: {text}; TLS alert sent: {alert}",
        mail_server=f"TLS alert received: {alert}",
    )  # fmt: skip


def presenting(
    number_a: str, number_b: str, name: str, wrong: str, java: str, openssl: str, alert: str, correct: str
) -> tuple[Row, Row]:
    """Return what becomes of a mail server's certificate by both ways."""
    return (
        at_maco(number_a, wrong, certificate(name), java, alert, correct),
        at_connector(number_b, f"{wrong} (way B)", certificate(name), openssl, alert, correct),
    )


def by_openssl(number: str, wrong: str, change: Change, text: str, alert: str, correct: str) -> Row:
    """Return what MaCo refuses once it judges as OpenSSL: the real one, on Java, takes it."""
    return at_maco(
        number, f"{wrong}, and MaCo judges as OpenSSL", both(change, verification("openssl")), text, alert, correct,
        java="", line="",
    )  # fmt: skip


def taken(number: str, system: str, wrong: str, change: Change, correct: str) -> Row:
    """Return what works by way A, and is wrong all the same."""
    return Row(
        number, "H4", system, wrong, change, "done", NOTHING, correct,
        connector=PASSED_ON, mail_server=f"{STARTED}; TLS; login succeeds", works=True, password_sent=True,
    )  # fmt: skip


def _demanding(port: str, version: str) -> Change:
    demand = {"client_certificate": "required", "client_authorities": ["connector_ca"]}
    return mail_tls(port, minimum_version=version, maximum_version=version, **demand)


def _demanded(number: str, wrong: str, change: Change, **shown: Any) -> Row:
    hop = "H3" if shown.get("way") == WAY_B else "H4"
    return Row(number, hop, "mail server", wrong, change, correct=_CLIENT_CERTIFICATE, **shown)


_ROOT_ONLY = both(key_store("root"), back_end_store("root"), certificate("missing_intermediate"))
_ROOT_AT_MACO = both(key_store("root"), back_end_store("cloud_root"))
_EXPIRED_ROOT = both(certificate("expired_root"), key_store("expired_root_ca"))
_EXPIRED_ANCHOR = both(certificate("intermediate_expired"), key_store("expired_intermediate"))
_OLD_TLS = {"minimum_version": "1.0", "maximum_version": "1.1"}

ROWS = (
    Row(
        "M14", "H4", "Cloud Connector", "the virtual host is not the name in the mail server's certificate",
        virtual_host("mail.virtual"),
        "starttls", "STARTTLS failure: No subject alternative DNS name matching mail.virtual found.", _VIRTUAL_HOST,
        connector=PASSED_ON, mail_server=f"{STARTED}; TLS alert received: bad_certificate",
        alert_sent="bad_certificate", java_alert=JAVA,
        java_text=java_line("No subject alternative DNS name matching mail.virtual found."),
    ),
    Row(
        "M14b", "H4", "Cloud Connector", "the same, and the certificate has only a common name",
        both(virtual_host("mail.virtual"), certificate("cn_only")),
        "starttls", "STARTTLS failure: No name matching mail.virtual found", _VIRTUAL_HOST,
        connector=PASSED_ON, mail_server=f"{STARTED}; TLS alert received: bad_certificate",
        alert_sent="bad_certificate", java_alert=JAVA,
        java_text=java_line("No name matching mail.virtual found"),
    ),
    Row(
        "M15", "H4", "Cloud Connector", "the virtual host is the short name, the certificate has the full one",
        virtual_host("mail"),
        "starttls", "STARTTLS failure: No subject alternative DNS name matching mail found.", _VIRTUAL_HOST,
        connector=PASSED_ON, mail_server=f"{STARTED}; TLS alert received: bad_certificate",
        alert_sent="bad_certificate", java_alert=JAVA,
        java_text=java_line("No subject alternative DNS name matching mail found."),
    ),
    at_maco("M16", "the root is missing in MaCo's key store", key_store("cloud_root"),
            PKIX_BUILD, "unknown_ca", _MACO_STORE),
    at_maco("M17", "the root is in the Cloud Connector's store alone, which a TCP mapping never asks",
            both(key_store("cloud_root"), back_end_store("root", "intermediate")),
            PKIX_BUILD, "unknown_ca", _MACO_STORE),
    at_connector("M18", "the root is in MaCo's key store alone, which a TCP TLS mapping never asks", _ROOT_AT_MACO,
                 NO_ISSUER, "unknown_ca", _CONNECTOR_STORE),
    Row(
        "M18b", "H3", "Cloud Connector", "the same, where the cloud answers 0x01 to it",
        both(_ROOT_AT_MACO, cloud(untrusted_back_end_answer="failure")),
        "socks", refused("SOCKS server general failure (0x01 FAILURE)", "mailbox.virtual, 993"), _CONNECTOR_STORE,
        way=WAY_B, socks_reply=0x01,
        connector=f"TLS with internal host {INTERNAL_B} failed: {NO_ISSUER}; TLS alert sent: unknown_ca",
        mail_server="TLS alert received: unknown_ca",
    ),
    Row(
        "M18c", "H3", "Cloud Connector", "the same, where the cloud answers 0x00 and closes",
        both(_ROOT_AT_MACO, cloud(untrusted_back_end_answer="success_then_close")),
        "greeting", "Connection dropped by server?", _CONNECTOR_STORE, way=WAY_B,
        connector=f"TLS with internal host {INTERNAL_B} failed: {NO_ISSUER}; TLS alert sent: unknown_ca",
        mail_server="TLS alert received: unknown_ca",
    ),
    at_connector("M19", "the Backend Trust Store is empty", back_end_store(), NO_ISSUER, "unknown_ca",
                 _CONNECTOR_STORE),
    at_maco("M20", "it does not send its intermediate, and MaCo has the root alone", _ROOT_ONLY,
            PKIX_BUILD, "unknown_ca", "mail server: send the whole chain; or MaCo's key store: the intermediate too"),
    at_connector("M20b", "it does not send its intermediate, and the Cloud Connector has the root alone", _ROOT_ONLY,
                 NO_ISSUER, "unknown_ca", "mail server: send the whole chain; or Backend Trust Store: that one too"),
    *presenting("M22", "M22b", "expired", "its certificate has expired",
                f"{PKIX_DATES}CertificateExpiredException: NotAfter: …", "certificate has expired",
                "certificate_expired", _NEW_CERTIFICATE),
    *presenting("M22c", "M22d", "intermediate_expired", "its intermediate has expired",
                f"{PKIX_DATES}CertificateExpiredException: NotAfter: …", "certificate has expired",
                "certificate_expired", _NEW_CERTIFICATE),
    *presenting("M23", "M23b", "not_yet_valid", "its certificate is not valid yet, or a clock is wrong",
                f"{PKIX_DATES}CertificateNotYetValidException: NotBefore: …", "certificate is not yet valid",
                "bad_certificate", "the clocks; mail server: another certificate"),
    *presenting("M24", "M24b", "self_signed", "its certificate is signed by itself, and imported nowhere",
                PKIX_BUILD, "self-signed certificate", "unknown_ca",
                "the store of whoever does TLS: import that certificate itself"),
    *presenting("M25", "M25b", "client_auth_only", "its certificate is for TLS clients only (extended key usage)",
                "Extended key usage does not permit use for TLS server authentication",
                "unsuitable certificate purpose",
                "unsupported_certificate", _NEW_CERTIFICATE),
    Row(
        "M26", "H4", "mail server", "its certificate may encipher keys and not sign (key usage)",
        certificate("key_encipherment_only"),
        "starttls", "STARTTLS failure: KeyUsage does not allow digital signatures", _NEW_CERTIFICATE,
        connector=PASSED_ON, mail_server=f"{STARTED}; TLS fails: closed by the client before any application data",
        java_alert=JAVA, java_text=java_line("KeyUsage does not allow digital signatures"),
    ),
    taken("M26b", "mail server", "the same, and MaCo judges as OpenSSL, which takes it",
          both(certificate("key_encipherment_only"), verification("openssl")), _NEW_CERTIFICATE),
    taken("M27", "mail server", "its certificate is signed with SHA-1 under a private root: Java takes it",
          certificate("sha1"), _NEW_CERTIFICATE),
    at_connector("M27b", "its certificate is signed with SHA-1 (way B)", certificate("sha1"),
                 "CA signature digest algorithm too weak", "bad_certificate", _NEW_CERTIFICATE),
    at_connector("M27c", "its certificate has an RSA key of 1024 bits (way B)", certificate("rsa_1024"),
                 "EE certificate key too weak", "bad_certificate", _NEW_CERTIFICATE),
    taken("M27d", "mail server", "its certificate has an RSA key of 1024 bits: Java takes it",
          certificate("rsa_1024"), _NEW_CERTIFICATE),
    by_openssl("M27e", "its certificate is signed with SHA-1", certificate("sha1"),
               f"{PKIX_STRENGTH}signature algorithm", "bad_certificate", _NEW_CERTIFICATE),
    by_openssl("M27f", "its certificate has an RSA key of 1024 bits", certificate("rsa_1024"),
               f"{PKIX_STRENGTH}keysize limits", "bad_certificate", _NEW_CERTIFICATE),
    Row(
        "M28", "H4", "mail server", "it speaks TLS 1.0 and 1.1 only",
        mail_tls("imap", **_OLD_TLS),
        "starttls", "STARTTLS failure: Received fatal alert: protocol_version", "mail server: TLS 1.2 or 1.3",
        connector=PASSED_ON, mail_server=f"{STARTED}; TLS alert sent: protocol_version",
        alert_received="protocol_version",
    ),
    Row(
        "M28b", "H3", "mail server", "it speaks TLS 1.0 and 1.1 only (way B)",
        mail_tls("imaps", **_OLD_TLS),
        "socks", refused(UNREACHABLE, "mailbox.virtual, 993"), "mail server: TLS 1.2 or 1.3", way=WAY_B,
        socks_reply=0x04, mail_server="TLS alert sent: protocol_version",
        connector=f"TLS with internal host {INTERNAL_B} failed: …; TLS alert received: protocol_version",
    ),
    _demanded(
        "M29", "it demands a client certificate, TLS 1.2", _demanding("imap", "1.2"),
        stage="starttls", maco="STARTTLS failure: Received fatal alert: handshake_failure",
        connector=PASSED_ON, mail_server=f"{STARTED}; TLS alert sent: handshake_failure",
        alert_received="handshake_failure",
    ),
    _demanded(
        "M29b", "it demands a client certificate, TLS 1.3", _demanding("imap", "1.3"),
        stage="capability", maco="Received fatal alert: certificate_required",
        connector=PASSED_ON, mail_server=f"{STARTED}; TLS alert sent: certificate_required",
        alert_received="certificate_required",
    ),
    _demanded(
        "M29c", "it demands a client certificate, TLS 1.2, and the Cloud Connector has no system certificate",
        both(_demanding("imaps", "1.2"), connector(system_certificate=False)),
        stage="socks", maco=refused(UNREACHABLE, "mailbox.virtual, 993"), way=WAY_B, socks_reply=0x04,
        connector=f"TLS with internal host {INTERNAL_B} failed: …; TLS alert received: handshake_failure",
        mail_server="TLS alert sent: handshake_failure",
    ),
    _demanded(
        "M29d", "it demands a client certificate, TLS 1.3, and the Cloud Connector has no system certificate",
        both(_demanding("imaps", "1.3"), connector(system_certificate=False)),
        stage="greeting", maco="Connection dropped by server?", way=WAY_B,
        connector=f"TLS verified against: …; opens TCPS to {INTERNAL_B}; the back end ended TLS with the alert "
        "certificate_required",
        mail_server="TLS alert sent: certificate_required",
    ),
    Row(
        "M48", "H4", "mail server", "it closes the connection in the TLS handshake",
        lambda data: data["mail_server"].update(faults=[{"step": "handshake.broken", "protocol": "imap"}]),
        "starttls", "STARTTLS failure: Remote host terminated the handshake", "mail server: its log says why",
        connector=PASSED_ON, mail_server=f"breaks at handshake.broken; {STARTED}",
    ),
    at_maco("M50", "MaCo's key store is empty", key_store(),
            "Unexpected error: the trustAnchors parameter must be non-empty", "unknown_ca", _MACO_STORE,
            java="internal_error", line="javax.net.ssl.SSLException: Unexpected error: "
            "java.security.InvalidAlgorithmParameterException: the trustAnchors parameter must be non-empty"),
    taken("M21", "MaCo", "only the intermediate is in MaCo's key store: it works until that is renewed",
          key_store("intermediate"), _MACO_STORE),
    by_openssl("M21b", "only the intermediate is in MaCo's key store", key_store("intermediate"),
               PKIX_BUILD, "unknown_ca", _MACO_STORE),
    taken("M21c", "MaCo", "the mail server's certificate alone is in MaCo's key store: it works until that is renewed",
          key_store("mail_server"), _MACO_STORE),
    by_openssl("M21d", "the mail server's certificate alone is in MaCo's key store", key_store("mail_server"),
               PKIX_BUILD, "unknown_ca", _MACO_STORE),
    taken("M22e", "MaCo", "the root in MaCo's key store has expired: Java takes it",
          _EXPIRED_ROOT, _MACO_STORE),
    by_openssl("M22f", "the root in MaCo's key store has expired", _EXPIRED_ROOT,
               f"{PKIX_DATES}CertificateExpiredException: NotAfter: …", "certificate_expired", _MACO_STORE),
    taken("M22g", "MaCo", "only the intermediate is in MaCo's key store, and has expired: Java takes it",
          _EXPIRED_ANCHOR, _MACO_STORE),
    by_openssl("M22h", "only the intermediate is in MaCo's key store, and has expired", _EXPIRED_ANCHOR,
               PKIX_BUILD, "unknown_ca", _MACO_STORE),
)  # fmt: skip
"""In the order of their numbers, except for what works and should not stay so."""
