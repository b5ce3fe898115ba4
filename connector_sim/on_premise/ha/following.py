"""What a shadow does to follow its master: each action of its machine, done over the link, and told to the machine."""

from __future__ import annotations

import asyncio
import contextlib

from connector_sim.on_premise.connector import CloudConnector
from connector_sim.on_premise.ha.configuration import adopt
from connector_sim.on_premise.ha.link import Link, NotBound
from connector_sim.on_premise.ha.shadow import ShadowMachine
from connector_sim.on_premise.ha.states import Do
from maco_net.errors import NetError
from maco_wire.observation import Address


async def follow(
    action: Do, machine: ShadowMachine, link: Link, connector: CloudConnector, *, own_address: Address
) -> list[Do]:
    """Do one action and return what is to be done next; taking over is not following."""
    match action:
        case Do.SHAKE_HANDS:
            return await _shake_hands(machine, link, own_address)
        case Do.SYNCHRONIZE:
            await _synchronize(machine, link, connector)
        case Do.CHECK:
            return await _check(machine, link)
        case Do.SAY_GOODBYE:
            with contextlib.suppress(NetError):
                await link.say_goodbye()
            machine.gone()
        case Do.TAKE_OVER | Do.ASK_ROLE:
            raise AssertionError(f"{action} is not an action of a shadow that follows")
    return []


async def _shake_hands(machine: ShadowMachine, link: Link, own_address: Address) -> list[Do]:
    try:
        await link.shake_hands(own_address)
    except NetError as error:
        machine.failed(_now(), str(error))
        return []
    return machine.handshaken()


async def _synchronize(machine: ShadowMachine, link: Link, connector: CloudConnector) -> None:
    try:
        revision = await adopt(connector, await link.configuration())
    except (NetError, ValueError, KeyError, TypeError, AttributeError) as error:  # ValueError: SettingsError too
        machine.failed(_now(), f"the master's configuration: {error}")
    else:
        machine.synchronized(_now(), revision)


async def _check(machine: ShadowMachine, link: Link) -> list[Do]:
    try:
        revision = await link.check()
    except NotBound:
        return machine.rebind()
    except NetError as error:
        machine.missed(_now(), str(error))
        return []
    return machine.alive(_now(), revision)


def _now() -> float:
    return asyncio.get_running_loop().time()
