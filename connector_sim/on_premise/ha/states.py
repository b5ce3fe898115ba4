"""The words of a pair: states and operations of SAP's API, and what a machine asks its owner to do."""

from __future__ import annotations

import enum


class MasterState(enum.StrEnum):
    """``ha/master/state`` (facts, section 2.5)."""

    ALONE = "ALONE"
    BINDING = "BINDING"
    CONNECTED = "CONNECTED"
    BROKEN = "BROKEN"


class ShadowState(enum.StrEnum):
    """``ha/shadow/state`` (facts, section 2.5)."""

    INITIAL = "INITIAL"
    DISCONNECTED = "DISCONNECTED"
    DISCONNECTING = "DISCONNECTING"
    HANDSHAKE = "HANDSHAKE"
    INITSYNC = "INITSYNC"
    READY = "READY"
    LOST = "LOST"


class Do(enum.Enum):
    """What the owner of a machine is to do; what comes of it is told to the machine."""

    SHAKE_HANDS = enum.auto()
    """Shadow: bind to the master. Then ``handshaken`` or ``failed``."""
    SYNCHRONIZE = enum.auto()
    """Shadow: fetch the master's configuration. Then ``synchronized`` or ``failed``."""
    CHECK = enum.auto()
    """Shadow: ask whether the master is alive. Then ``alive`` or ``missed``."""
    SAY_GOODBYE = enum.auto()
    """Shadow: tell the master that its shadow leaves. Then ``gone``."""
    TAKE_OVER = enum.auto()
    """Shadow: open the tunnels. Then ``taken_over`` or ``not_taken_over``."""
    ASK_ROLE = enum.auto()
    """Master: ask the shadow, from which nothing is heard, whether it has become master itself."""
