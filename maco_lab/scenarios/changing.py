"""Make the parties of a running lab follow another landscape, each only as far as it differs.

Every step puts its way back on the caller's stack before it is taken, so that a change that fails is undone too. What
runs when a setting changes ends as it began, except that the mail server is restarted: its connections end.
"""

from __future__ import annotations

from contextlib import AsyncExitStack

from maco_lab import lab_model
from maco_lab.ha_party import shadow_name
from maco_lab.lab_checks import system_mapping
from maco_lab.lab_model import LabModel
from maco_lab.parties import build_pollers, build_trust_store
from maco_lab.topology import RunningLab


async def change(lab: RunningLab, old: LabModel, new: LabModel, undo: AsyncExitStack) -> None:
    """Let ``lab``, which runs ``old``, run ``new``; leaving ``undo`` puts everything back.

    Raises OSError when the mail server does not get its ports again, and what building parties raises.
    """
    from maco_lab.mail_party import restart_mail_server  # brings Twisted, which a lab elsewhere does without

    if old.mail_server != new.mail_server:
        undo.push_async_callback(restart_mail_server, lab.mail_server, old.mail_server, lab.pki)
        await restart_mail_server(lab.mail_server, new.mail_server, lab.pki)
    for before, after in zip(old.cloud_connectors, new.cloud_connectors, strict=True):
        for name in (after.name, shadow_name(after)):
            if name in lab.connectors:
                _change_connector(lab, name, before, after, undo)
    if old.maco != new.maco:
        built = lab.built_with
        pollers = build_pollers(new, built.cloud, lab.pki, lab.inbox, built.reporting, lab.tokens)
        undo.callback(lab.maco.replace, lab.maco.replace(pollers))


def _change_connector(
    lab: RunningLab,
    name: str,
    before: lab_model.CloudConnector,
    after: lab_model.CloudConnector,
    undo: AsyncExitStack,
) -> None:
    connector = lab.connectors[name]
    if before.back_end_trust_store != after.back_end_trust_store:
        undo.callback(connector.trust, connector.trust(build_trust_store(after, lab.pki)))
    for was, now in zip(before.subaccounts, after.subaccounts, strict=True):
        if was.mappings != now.mappings:
            undo.callback(connector.expose, now.subaccount, connector.mappings(now.subaccount))
            connector.expose(now.subaccount, [system_mapping(each) for each in now.mappings])
