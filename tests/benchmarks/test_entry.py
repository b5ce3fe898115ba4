"""Entries, and the negotiation that the benchmark has prepared for the SOCKS5 one."""

from __future__ import annotations

from benchmarks.relay.contestants.ours import socks5_steps
from benchmarks.relay.generator.entry import Entry
from maco_wire import socks5


def test_an_entry_survives_the_way_to_another_process() -> None:
    entry = Entry("127.0.0.1", 15_001, socks5_steps("a.b.c"))

    assert Entry.from_json(entry.to_json()) == entry


def test_the_prepared_steps_are_what_the_proxy_understands() -> None:
    server = socks5.Socks5Server()
    seen: list[socks5.ServerEvent] = []

    for step in socks5_steps("a.b.c"):
        for event in server.receive_data(step.say):
            seen.append(event)
            if isinstance(event, socks5.AuthenticationRequested):
                server.accept_authentication()
            if isinstance(event, socks5.ConnectRequested):
                server.accept()
        answer = server.data_to_send()
        assert (len(answer), answer[:2]) == (step.answer_bytes, step.answer)

    assert socks5.AuthenticationRequested("a.b.c", "WERK1") in seen
    assert socks5.ConnectRequested("sink.virtual", 143) in seen
