"""What the administration keeps of a connector's part in high availability, and how it acts on one of a pair.

Kept are which shadow may bind and by which times a shadow watches; where each listens and who is master first is for
whoever starts them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeAlias

from connector_sim.on_premise.ha.node import HaNode
from connector_sim.on_premise.ha.settings import HaSettings, ShadowAdmission

PATH = "/api/v1/configuration/connector/ha"
MASTER, SHADOW = f"{PATH}/master", f"{PATH}/shadow"
_MASTER_CONFIG, _SHADOW_CONFIG = f"{MASTER}/config", f"{SHADOW}/config"
_TIMES = ("check_interval_s", "takeover_delay_s", "connect_timeout_ms", "request_timeout_ms")

Stored: TypeAlias = dict[str, dict[str, dict[str, Any]]]


def admission(stored: Stored, default: ShadowAdmission) -> ShadowAdmission:
    """Return which shadow may bind."""
    kept = stored.get("", {}).get(_MASTER_CONFIG, {})
    return ShadowAdmission(bool(kept.get("is_enabled", default.is_enabled)), str(kept.get("host", default.host)))


def keep_admission(stored: Stored, chosen: ShadowAdmission) -> None:
    """Keep which shadow may bind."""
    stored.setdefault("", {})[_MASTER_CONFIG] = dataclasses.asdict(chosen)


def forget_admission(stored: Stored) -> None:
    """Keep it no longer."""
    stored.get("", {}).pop(_MASTER_CONFIG, None)


def keep_times(stored: Stored, settings: HaSettings) -> None:
    """Keep by which times a shadow watches."""
    stored.setdefault("", {})[_SHADOW_CONFIG] = {name: getattr(settings, name) for name in _TIMES}


def load(node: HaNode, stored: Stored) -> None:
    """Let one of a pair be what was kept; what was not is as it was built. Raises SettingsError."""
    node.admission = admission(stored, ShadowAdmission())
    settings = dataclasses.replace(node.first_settings, **_times(stored.get("", {}).get(_SHADOW_CONFIG, {})))
    if settings != node.settings:
        node.watch_by(settings)


def _times(kept: Mapping[str, Any]) -> dict[str, Any]:
    return {name: kept[name] for name in _TIMES if isinstance(kept.get(name), int | float)}
