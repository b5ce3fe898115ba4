"""Build a pair of Cloud Connectors, master and shadow, from one Cloud Connector of the lab file."""

from __future__ import annotations

from connector_sim.on_premise.back_end import BackEndOpener
from connector_sim.on_premise.ha.link import Role
from connector_sim.on_premise.ha.node import HaNode, HaTrust
from connector_sim.on_premise.ha.settings import HaSettings
from maco_lab import lab_model
from maco_lab.names import OnPremiseNames
from maco_lab.parties import CloudAddresses, OpenBackEnds, Reporting, build_connector
from maco_lab.pki import LabPki
from maco_wire.observation import Address

HOST = "127.0.0.1"
"""Where a pair listens; it never leaves this machine."""


def shadow_name(connector: lab_model.CloudConnector) -> str:
    """Return the name of a Cloud Connector's shadow, in the journal and everywhere else."""
    return f"{connector.name} shadow"


def node_name(connector: lab_model.CloudConnector, role: Role) -> str:
    """Return the name of the one that begins as ``role``."""
    return connector.name if role == "master" else shadow_name(connector)


def configured_address(connector: lab_model.CloudConnector, role: Role) -> Address:
    """Return where the lab file lets the one that begins as ``role`` listen."""
    keys = connector.high_availability or lab_model.HighAvailability()
    return HOST, keys.master_port if role == "master" else keys.shadow_port


def build_node(
    connector: lab_model.CloudConnector,
    role: Role,
    cloud: CloudAddresses,
    names: OnPremiseNames,
    pki: LabPki,
    reporting: Reporting,
    *,
    installation_id: str,
    address: Address,
    peer: Address | None,
    open_back_ends: OpenBackEnds = BackEndOpener,
) -> HaNode:
    """Bind one of a pair; both have the same ``installation_id``. Raises OSError naming an address that is in use."""
    keys = connector.high_availability or lab_model.HighAvailability()
    named = connector.model_copy(update={"name": node_name(connector, role)})
    try:
        built = build_connector(
            named,
            cloud,
            names,
            pki,
            reporting,
            installation_id=installation_id,
            connects=False,
            open_back_ends=open_back_ends,
        )
        return HaNode(
            built,
            name=named.name,
            role=role,
            settings=ha_settings(keys),
            trust=HaTrust(pki.pair_server_context(), pki.pair_client_context(), "localhost"),
            record=reporting.of_system(named.name).logged(built.logs).record,
            address=address,
            peer=peer,
        )
    except OSError as error:
        error.filename = f"{address[0]}:{address[1]}"
        raise


def ha_settings(keys: lab_model.HighAvailability) -> HaSettings:
    """Return how the two watch each other."""
    return HaSettings(
        keys.check_interval_s,
        keys.takeover_delay_s,
        keys.connect_timeout_ms,
        keys.request_timeout_ms,
        keys.missed_checks,
    )
