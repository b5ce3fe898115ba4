"""The commonest mistake, made on purpose: the CA of the mail server is trusted, but in the store of the other system.

Pure: a landscape in, a landscape out. Who does the handshake with the mail server decides which store is asked: MaCo's
key store where MaCo does TLS itself, the Cloud Connector's where MaCo's own Protection is Off. That store is left with
another CA, as it would be in a company that has several.
"""

from __future__ import annotations

from dataclasses import dataclass

from maco_lab.lab_model import LabModel
from maco_lab.lab_section import Certificate, split_host_ports
from maco_lab.maco_model import EmailConnection
from maco_lab.plain_story import ROOT_CERTIFICATE
from maco_wire.observation import Party

OTHER_CA = "cloud_root"
"""A CA of the lab that has nothing to do with mail servers."""


@dataclass(frozen=True, slots=True)
class WrongStore:
    """A landscape in which one e-mail connection must fail, and one sentence about it."""

    model: LabModel
    connection: str
    asked: Party
    """Whose store will be asked in vain."""

    @property
    def note(self) -> str:
        """Say where the CA is now, and why that is of no use."""
        if self.asked is Party.MACO:
            return (
                f"The same way once more; but now the {ROOT_CERTIFICATE} is in the Cloud Connector's back-end trust "
                "store alone. MaCo's key store has another CA's root."
            )
        return (
            f"The same way once more; but now the {ROOT_CERTIFICATE} is in MaCo's key store alone. The Cloud "
            "Connector's back-end trust store has another CA's root."
        )


def with_ca_in_the_wrong_store(model: LabModel) -> WrongStore | None:
    """Move what is trusted for the mail server into the store that plays no part; None if no connection uses TLS.

    It is about the first e-mail connection whose way has TLS with the mail server at all.
    """
    for connection in model.maco.email_connections:
        asked = _who_asks(model, connection)
        if asked is not None:
            changed = trusting(model, at_maco=asked is Party.CLOUD_CONNECTOR)
            return WrongStore(changed, connection.name, asked)
    return None


def _who_asks(model: LabModel, connection: EmailConnection) -> Party | None:
    """Return who does TLS with the mail server, as it is configured."""
    match connection.protection:
        case "IMAPS" | "POP3S":
            return Party.MACO
        case "STARTTLS Mandatory" | "STARTTLS Optional":
            return Party.MACO if model.mail_server.offer_starttls else None
        case _:
            return Party.CLOUD_CONNECTOR if _is_tcp_tls(model, connection) else None


def _is_tcp_tls(model: LabModel, connection: EmailConnection) -> bool:
    """Tell whether some mapping of protocol TCPS has the virtual host and port of the e-mail server."""
    server = next(each for each in model.maco.email_servers if each.name == connection.server)
    host, ports = split_host_ports(server.address)
    subaccounts = (each for connector in model.cloud_connectors for each in connector.subaccounts)
    mappings = (mapping for each in subaccounts for mapping in each.mappings if mapping.protocol == "TCPS")
    return any(each.virtual[0].lower() == host.lower() and ports.first in each.virtual[1] for each in mappings)


def trusting(model: LabModel, *, at_maco: bool) -> LabModel:
    """Return the landscape with all anchors at MaCo, and another CA at the connectors; or the other way round."""
    anchors = _anchors(model)
    others: list[Certificate] = [OTHER_CA]
    aliases: dict[str, Certificate] = {f"ca-{number}": anchor for number, anchor in enumerate(anchors, 1)}
    maco = model.maco.model_copy(update={"key_store": aliases if at_maco else {"other": OTHER_CA}})
    connectors = [
        each.model_copy(
            update={
                "back_end_trust_store": each.back_end_trust_store.model_copy(
                    update={"trust_all_backends": False, "certificates": others if at_maco else anchors}
                )
            }
        )
        for each in model.cloud_connectors
    ]
    return model.model_copy(update={"maco": maco, "cloud_connectors": connectors})


def _anchors(model: LabModel) -> list[Certificate]:
    """Return every certificate that some system trusts for the mail server, each once."""
    listed: list[Certificate] = [*model.maco.key_store.values()]
    for connector in model.cloud_connectors:
        listed += connector.back_end_trust_store.certificates
    unique = [anchor for number, anchor in enumerate(listed) if anchor not in listed[:number]]
    return [anchor for anchor in unique if anchor != OTHER_CA]
