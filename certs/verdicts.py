"""Who refuses which certificate of a mail server: OpenSSL, Java, or both, and why.

Every verdict is one that the real programs gave: ``tests/certs/test_verdicts.py`` asks OpenSSL through ``ssl``, and
``tests/real/test_certificate_judges.py`` asks ``openssl s_client``, a JVM and JavaMail, with the lab's MaCo beside
them; ``tests/maco_client/verification/test_verdicts.py`` holds the lab's MaCo to the same table. All look for the mail
host's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

STORE = ("root", "expired_root_ca")
"""The authorities that all trust, where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one certificate.

    ``openssl`` is the number of X509_verify_cert_error_string(3), 0 for a certificate that is accepted; ``java`` is the
    beginning of Java 17's innermost text, empty for one that is accepted; ``java_alert`` is the alert that comes with
    it, by its name in RFC 8446; ``why`` is the rule, in one sentence.
    ``javamail_differs`` is for the check of names in JavaMail 1.6, which is its own and more lenient.
    ``openssl_lenient`` says that OpenSSL at security level 0 lets it through, so that the lab's MaCo has to refuse it
    behind the handshake.
    """

    why: str
    openssl: int = 0
    java: str = ""
    javamail_differs: bool = False
    java_alert: str = "certificate_unknown"
    openssl_lenient: bool = False


_NO_PATH = "unable to find valid certification path to requested target"
_OTHER_NAME = "No subject alternative DNS name matching"
_CONSTRAINTS = "basic constraints check failed: "

VERDICTS: Mapping[str, Verdict] = MappingProxyType(
    {
        "mail_server": Verdict("name, dates, use and path are right"),
        "wildcard": Verdict("the wildcard stands for exactly one label, the leftmost (RFC 6125, section 6.4.3)"),
        "root_sent": Verdict(
            "the root is superfluous, since a client trusts only its own copy (RFC 8446, section 4.4.2)"
        ),
        "chain_reversed": Verdict("both put the intermediates in order themselves, which RFC 8446 asks of them"),
        "name_constraint_satisfied": Verdict("the mail host is below the domain that its issuer may issue for"),
        "cn_only": Verdict(
            "without any alternative name both still fall back to the common name, which newer peers do not"
        ),
        "expired_root": Verdict("OpenSSL checks the dates of a trusted root as well, Java does not", 10),
        "sha1": Verdict("OpenSSL's security level 2 bars SHA-1; Java bars it below public roots only", 68),
        "rsa_1024": Verdict("OpenSSL's security level 2 wants 2048 bits, Java only 1024", 66),
        "unknown_root": Verdict("nobody who trusts only the right root finds a path to this one", 20, _NO_PATH),
        "missing_intermediate": Verdict(
            "nothing connects it with the root, and neither of them fetches the intermediate", 20, _NO_PATH
        ),
        "intermediate_expired": Verdict("every certificate below the root must be within its dates", 10, "NotAfter: "),
        "wrong_name": Verdict("the alternative name is another host's", 62, _OTHER_NAME),
        "cn_beside_other_san": Verdict(
            "an alternative name of a host rules out the common name (RFC 6125, section 6.4.4)", 62, _OTHER_NAME
        ),
        "ip_san": Verdict("the client looks for a name and finds an address only", 62, "No name matching"),
        "wildcard_wrong_level": Verdict(
            "a wildcard stands for one label, here it would have to stand for two; JavaMail 1.6 lets that pass",
            62,
            _OTHER_NAME,
            javamail_differs=True,
        ),
        "expired": Verdict("its last day was yesterday", 10, "NotAfter: "),
        "not_yet_valid": Verdict("its first day is next year", 9, "NotBefore: "),
        "self_signed": Verdict("it is its own issuer, and nobody was told to trust it", 18, _NO_PATH),
        "client_auth_only": Verdict(
            "its extended key usage lacks serverAuth (RFC 5280, section 4.2.1.12)",
            26,
            "Extended key usage does not permit use for TLS server authentication",
        ),
        "wrong_key_usage": Verdict(
            "its key usage has neither digitalSignature nor keyEncipherment (RFC 5280, section 4.2.1.3)",
            26,
            "KeyUsage does not allow digital signatures",
        ),
        "key_encipherment_only": Verdict(
            "every handshake of today signs, which takes digitalSignature; OpenSSL is content with keyEncipherment",
            java="KeyUsage does not allow digital signatures",
            openssl_lenient=True,
        ),
        "unknown_critical_extension": Verdict(
            "what is critical and not understood must be refused (RFC 5280, section 4.2)",
            34,
            "unrecognized critical extension(s)",
        ),
        "rsa_768": Verdict(
            "Java wants 1024 bits at least, and everybody can look up the factors of this key",
            66,
            "Algorithm constraints check failed on keysize limits",
            openssl_lenient=True,
        ),
        "issuer_not_a_ca": Verdict(
            "its issuer's basic constraints do not say CA (RFC 5280, section 4.2.1.9)",
            79,
            _CONSTRAINTS + "this is not a CA certificate",
        ),
        "path_too_long": Verdict(
            "an intermediate with path length 0 has issued another one (RFC 5280, section 4.2.1.9)",
            25,
            _CONSTRAINTS + "pathLenConstraint violated",
        ),
        "name_constraint_violated": Verdict(
            "its issuer may issue for another domain only (RFC 5280, section 4.2.1.10)",
            47,
            "name constraints check failed",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class StoreVerdict:
    """What becomes of a mail server's certificate where a store holds something else than the roots.

    ``store`` names authorities; ``leaf`` among them stands for the certificate itself. ``lab`` is OpenSSL's number by
    which the lab's MaCo refuses it under the Java profile, 0 for a certificate that it accepts.
    """

    store: tuple[str, ...]
    certificate: str
    verdict: Verdict
    lab: int = 0

    @property
    def is_stricter(self) -> bool:
        """Tell whether the lab's MaCo refuses what Java takes: OpenSSL checks a listed certificate like every other."""
        return bool(self.lab) and not self.verdict.java


_NO_ANCHORS = "the trustAnchors parameter must be non-empty"
_PINNED = "Java looks at nothing of a certificate that is listed itself but its name"

STORE_VERDICTS: tuple[StoreVerdict, ...] = (
    StoreVerdict(
        (), "mail_server", Verdict("an empty store trusts nobody", 20, _NO_ANCHORS, java_alert="internal_error"), 20
    ),
    StoreVerdict(("unknown_root_ca",), "mail_server", Verdict("another root is of no use", 20, _NO_PATH), 20),
    StoreVerdict(("intermediate",), "mail_server", Verdict("OpenSSL wants a root at the end, Java any of them", 2)),
    StoreVerdict(("intermediate",), "missing_intermediate", Verdict("the store has what the server omits", 2)),
    StoreVerdict(("root", "intermediate"), "missing_intermediate", Verdict("the store has what the server omits")),
    StoreVerdict(("expired_intermediate",), "intermediate_expired", Verdict("Java asks no anchor for its dates", 2)),
    StoreVerdict(("leaf",), "mail_server", Verdict(_PINNED, 20)),
    StoreVerdict(("leaf",), "missing_intermediate", Verdict(_PINNED, 20)),
    StoreVerdict(("leaf",), "self_signed", Verdict("a certificate that signs itself is a root")),
    StoreVerdict(("leaf",), "expired", Verdict(_PINNED, 20)),
    StoreVerdict(("leaf",), "not_yet_valid", Verdict(_PINNED, 20)),
    StoreVerdict(("leaf",), "sha1", Verdict(_PINNED, 20)),
    StoreVerdict(("leaf",), "key_encipherment_only", Verdict(_PINNED, 20)),
    StoreVerdict(("leaf",), "wrong_name", Verdict("the name is checked all the same", 20, _OTHER_NAME), 62),
    StoreVerdict(("leaf",), "client_auth_only", Verdict(_PINNED, 20), lab=26),
    StoreVerdict(("leaf",), "wrong_key_usage", Verdict(_PINNED, 20), lab=26),
    StoreVerdict(("leaf",), "unknown_critical_extension", Verdict(_PINNED, 20), lab=34),
    StoreVerdict(("leaf",), "intermediate_expired", Verdict(_PINNED, 20), lab=10),
    StoreVerdict(("leaf",), "rsa_768", Verdict(_PINNED, 66, openssl_lenient=True), lab=66),
    StoreVerdict(
        ("not_an_authority",),
        "issuer_not_a_ca",
        Verdict("an anchor that issues must be an authority", 2, "TrustAnchor with subject"),
        79,
    ),
)
