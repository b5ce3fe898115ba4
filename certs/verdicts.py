"""Who refuses which certificate of a mail server: OpenSSL, Java, or both, and why.

Every verdict is one that the real programs gave: ``tests/certs/test_verdicts.py`` asks OpenSSL through ``ssl``, and
``tests/real/test_certificate_judges.py`` asks ``openssl s_client``, a JVM and JavaMail. All of them trust the root of
the mail servers and ``expired_root_ca``, and look for the mail host's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

Refuser: TypeAlias = Literal["nobody", "OpenSSL", "both"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one certificate.

    ``openssl`` is the number of X509_verify_cert_error_string(3), 0 for a certificate that is accepted; ``java`` is the
    beginning of Java 17's innermost text, empty for one that is accepted; ``why`` is the rule, in one sentence.
    ``javamail_differs`` is for the check of names in JavaMail 1.6, which is its own and more lenient.
    """

    why: str
    openssl: int = 0
    java: str = ""
    javamail_differs: bool = False

    @property
    def refused_by(self) -> Refuser:
        """Name who refuses it."""
        if not self.openssl:
            return "nobody"
        return "both" if self.java else "OpenSSL"


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
        "unknown_critical_extension": Verdict(
            "what is critical and not understood must be refused (RFC 5280, section 4.2)",
            34,
            "unrecognized critical extension(s)",
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
