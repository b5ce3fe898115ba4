"""What the audit log tells of each endpoint that changes something: its category, and where that is read. Pure.

The categories are the product's ("Manage Audit Logs"). What was and what is, is what a GET shows before and after.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from connector_sim.admin.service_channels import TYPES as CHANNEL_TYPES
from connector_sim.admin.snapshot import differing
from connector_sim.admin.stored import AUDIT_PATH, LOG_PATH, OF_SUBACCOUNT, PROXY_PATH
from connector_sim.admin.stored_lists import DOMAIN, DOMAINS, RESOURCE, RESOURCES
from connector_sim.admin.subaccounts import ONE as SUBACCOUNT
from connector_sim.admin.subaccounts import PATH as SUBACCOUNTS
from connector_sim.admin.subject_pattern_rules import RULE
from connector_sim.admin.subject_pattern_rules import RULES as PATTERN_RULES
from connector_sim.admin.system_mappings import ONE as MAPPING
from connector_sim.admin.system_mappings import PATH as MAPPINGS
from connector_sim.logs.audit_entry import Category, Operation

OWN = "/api/v1/configuration/connector"
ON_PREMISE = f"{OWN}/onPremises"
TRUST = f"{ON_PREMISE}/truststore"


@dataclass(frozen=True, slots=True)
class Audited:
    """The rule of a path."""

    category: Category
    above: int | None = 0
    """How many segments above the path the thing is read; None for what is read nowhere, because it is a secret."""
    adds: bool = False
    """Whether a POST makes something new, which is read at the answer's ``Location``."""
    post: Operation = "add"
    """What a POST does."""
    by_field: Mapping[str, Category] = field(default_factory=dict, hash=False)
    """The fields that are of other categories than the rest."""
    renames: bool = False
    """Whether a request that has ``user`` gives its user another name, which is of another category."""

    @property
    def categories(self) -> tuple[Category, ...]:
        """Every category that a change may be of, the rule's own first."""
        more = [Category.SCC_USER] if self.renames else []
        return tuple(dict.fromkeys([self.category, *self.by_field.values(), *more]))

    def changes(self, before: object, after: object) -> list[tuple[Category, tuple[str, str]]]:
        """Return what was and what is, apart by category; the rule's own alone where nothing has changed."""
        if not self.by_field:
            return [(self.category, differing(before, after))]
        parts = [(each, differing(self._part(before, each), self._part(after, each))) for each in self.categories]
        return [part for part in parts if any(part[1])] or [(self.category, ("", ""))]

    def _part(self, shown: object, category: Category) -> object:
        """Return the fields of one category."""
        if not isinstance(shown, dict):
            return None
        return {name: value for name, value in shown.items() if self.by_field.get(name, self.category) is category}


_CHANNEL = Category.SERVICE_CHANNEL_CONFIGURATION
_OF_CHANNELS = {
    path: rule
    for each in CHANNEL_TYPES
    for path, rule in (
        (each.path, Audited(_CHANNEL, adds=True)),
        (f"{each.path}/{{id}}", Audited(_CHANNEL)),
        (f"{each.path}/{{id}}/state", Audited(_CHANNEL, above=1)),
    )
}

RULES: Mapping[str, Audited] = {
    SUBACCOUNTS: Audited(Category.ACCOUNT, adds=True),
    SUBACCOUNT: Audited(Category.ACCOUNT),
    f"{SUBACCOUNT}/state": Audited(Category.ACCOUNT, above=1),
    f"{SUBACCOUNT}/validity": Audited(Category.ACCOUNT, above=1, post="modify"),
    f"{SUBACCOUNT}/trust": Audited(Category.TRUST_SYNCHRONIZATION, post="modify"),
    MAPPINGS: Audited(Category.BACKEND_MAPPING, adds=True),
    MAPPING: Audited(Category.BACKEND_MAPPING),
    RESOURCES: Audited(Category.ALLOWED_RESOURCE, adds=True),
    RESOURCE: Audited(Category.ALLOWED_RESOURCE),
    DOMAINS: Audited(Category.DOMAIN_MAPPING),
    DOMAIN: Audited(Category.DOMAIN_MAPPING, above=1),
    **_OF_CHANNELS,
    PATTERN_RULES: Audited(Category.PRINCIPAL_PROPAGATION_CONFIGURATION),
    RULE: Audited(Category.PRINCIPAL_PROPAGATION_CONFIGURATION, above=1),
    TRUST: Audited(Category.TRUSTED_BACKEND_CERTIFICATE),
    f"{TRUST}/certificates": Audited(Category.TRUSTED_BACKEND_CERTIFICATE, above=1),
    f"{TRUST}/certificates/{{alias}}": Audited(Category.TRUSTED_BACKEND_CERTIFICATE, above=2),
    f"{ON_PREMISE}/systemCertificate": Audited(Category.SYSTEM_CERTIFICATE),
    f"{ON_PREMISE}/ppCaCertificate": Audited(Category.PPCA_CERTIFICATE),
    f"{OWN}/ui/uiCertificate": Audited(Category.UI_CERTIFICATE),
    f"{OWN}/alerting": Audited(Category.ALERT_CONFIGURATION),
    f"{OWN}/authentication/basic": Audited(Category.SCC_PASSWORD, above=None, renames=True),
    PROXY_PATH: Audited(Category.PROXY_SETTINGS),
    LOG_PATH: Audited(
        Category.CLOUD_CONNECTOR_LOGGERS,
        by_field={
            "otherLogLevel": Category.OTHER_LOGGERS,
            "tlsTrace": Category.TLS_TRACE,
            "cpicTraceLevel": Category.CPIC_TRACE,
        },
    ),
    LOG_PATH + OF_SUBACCOUNT: Audited(Category.PAYLOAD_TRACE, by_field={"payloadSncTrace": Category.PAYLOAD_SNC_TRACE}),
    AUDIT_PATH: Audited(Category.CROSS_AUDIT_LOG_LEVEL, by_field={"cleanup": Category.AUDIT_LOG_CLEANUP}),
    AUDIT_PATH + OF_SUBACCOUNT: Audited(Category.AUDIT_LOG_LEVEL),
}
"""By the template of a path."""

OTHER = Audited(Category.CONFIGURATION, post="modify")

LEVELS = frozenset({Category.AUDIT_LOG_LEVEL, Category.CROSS_AUDIT_LOG_LEVEL, Category.AUDIT_LOG_CLEANUP})
"""Changes of what is audited, and of how long it is kept, are audited whatever the level."""


def rule_of(template: str) -> Audited:
    """Return the rule of an endpoint's path."""
    return RULES.get(template, OTHER)


def operation_of(method: str, rule: Audited, *, was_there: bool) -> Operation:
    """Return what a request does to the thing that it concerns."""
    match method:
        case "DELETE":
            return "delete"
        case "POST":
            return rule.post
        case "PUT" if rule.above == 0 and not was_there:
            return "add"
    return "modify"
