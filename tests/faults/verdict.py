"""Judge a schedule that has run: every byte by its hash, and every count that the parties reported."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from maco_wire.observation import Address, Observation, Party, StreamClosed, StreamOpened
from tests.faults.payloads import Payload, Tally
from tests.faults.schedule import Plan, Story
from tests.faults.traffic import NUMBER_BYTES, Traffic


def complaints(traffic: Traffic) -> list[str]:
    """Return what is wrong with what arrived: nothing, if nothing was lost, doubled or mixed."""
    return [
        f"stream {plan.number} ({plan.story}): {wrong}"
        for plan, client, server in zip(traffic.plans, traffic.clients, traffic.servers, strict=True)
        for wrong in _wrong(plan, client.received, server.received)
    ]


def _wrong(plan: Plan, client: Tally, server: Tally) -> Iterator[str]:
    for name, tally, payload in (("client", client, plan.down), ("back end", server, plan.up)):
        if plan.story.is_orderly:
            if not tally.is_all_of(payload) or tally.ended != "end":
                yield f"{name} got {tally.count} of {payload.size} bytes, then {tally.ended}: {_judge(tally, payload)}"
        elif not tally.is_a_prefix_of(payload):
            yield f"{name} got {tally.count} bytes that were not sent to it"
    if plan.story is Story.CLIENT_RESETS and server.ended == "open":
        yield "the back end saw no end of a stream that the client reset"
    if plan.story is Story.BACK_END_RESETS and client.ended == "open":
        yield "the client saw no end of a stream that the back end reset"


def _judge(tally: Tally, payload: Payload) -> str:
    return "a part is missing" if tally.is_a_prefix_of(payload) else "they are not those that were sent"


def count_complaints(traffic: Traffic, observations: Iterable[Observation]) -> list[str]:
    """Return where StreamClosed of either party does not agree with what was sent."""
    trace_ids, closed = _by_client(observations)
    return [
        f"stream {plan.number} ({plan.story}): {wrong}"
        for plan, client in zip(traffic.plans, traffic.clients, strict=True)
        for wrong in _wrong_counts(plan, closed[trace_ids[client.address]])
    ]


def _by_client(observations: Iterable[Observation]) -> tuple[dict[Address | None, str], dict[str, list[StreamClosed]]]:
    trace_ids: dict[Address | None, str] = {}
    closed: dict[str, list[StreamClosed]] = defaultdict(list)
    for each in observations:
        if isinstance(each, StreamOpened) and each.party is Party.CONNECTIVITY:
            trace_ids[each.peer] = each.trace_id or ""
        elif isinstance(each, StreamClosed):
            closed[each.trace_id or ""].append(each)
    return trace_ids, closed


def _wrong_counts(plan: Plan, closed: list[StreamClosed]) -> Iterator[str]:
    sent = (plan.up.size + NUMBER_BYTES, plan.down.size)
    if sorted(each.party for each in closed) != sorted((Party.CONNECTIVITY, Party.CLOUD_CONNECTOR)):
        yield f"its end was reported by {[each.party for each in closed]}"
    for each in closed:
        counted = (each.bytes_to_mail_server, each.bytes_to_maco)
        if plan.story.is_orderly:
            if (counted, each.ended_by) != (sent, "end"):
                yield f"{each.party} counted {counted}, {each.ended_by}; sent were {sent}"
        elif counted[0] > sent[0] or counted[1] > sent[1]:
            yield f"{each.party} counted {counted}; a reset stream had {sent}"


def disguised_resets(traffic: Traffic, observations: Iterable[Observation]) -> list[str]:
    """Return where a reset stream looks as if it had ended in order, to its other side or to a party."""
    trace_ids, closed = _by_client(observations)
    found = []
    for plan, client, server in zip(traffic.plans, traffic.clients, traffic.servers, strict=True):
        if not plan.story.is_orderly:
            other = server if plan.story is Story.CLIENT_RESETS else client
            ends = {each.party.value: each.ended_by for each in closed[trace_ids[client.address]]}
            if other.received.ended == "end" or not {"reset", "truncated"}.issuperset(ends.values()):
                found.append(f"stream {plan.number} ({plan.story}): {other.received.ended} at the other side, {ends}")
    return found
