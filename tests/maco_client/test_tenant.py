from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import pytest

from maco_client.configuration import Configuration, Difference, UnknownEntry
from maco_client.failures import NotKept, SettingsError
from maco_client.key_store import KeyStore
from maco_client.results import PollResult, Progress
from maco_client.settings import Credential, EmailConnection, EmailServer, Protection
from maco_client.tenant import Keep, Tenant
from maco_wire.observation import MacoConfigured, Observation, Party

ONE = (
    Configuration()
    .with_credential(Credential("cred", "user", "x"))
    .with_server(EmailServer("server", "mail.example"))
    .with_connection("a", server="server", credential="cred", protection=Protection.STARTTLS_MANDATORY)
)
TWO = ONE.with_connection("b", server="server", credential="cred", protection=Protection.STARTTLS_MANDATORY)


class Poller:
    """Ends a poll when it is let go."""

    def __init__(self, connection: EmailConnection, key_store: KeyStore) -> None:
        self.connection, self.key_store = connection, key_store
        self.progress: Progress | None = Progress(stage="fetch")
        self.go = asyncio.Event()
        self.succeeds = True
        self.closed = 0

    async def aclose(self) -> None:
        self.closed += 1

    async def poll(self) -> PollResult:
        await self.go.wait()
        return PollResult(self.connection.name, succeeded=self.succeeds, stage="done", stored=2, duration_ms=500)


class Bench:
    def __init__(self, configuration: Configuration = ONE, keep: Keep | None = None) -> None:
        self.made: list[Poller] = []
        self.stores = 0
        self.seen: list[Observation] = []
        self.tenant = Tenant(
            configuration,
            make_key_store=self._key_store,
            make_poller=self._poller,
            record=self.seen.append,
            keep=keep,
        )

    def _key_store(self, certificates: Mapping[str, bytes]) -> KeyStore:
        self.stores += 1
        assert not certificates or list(certificates) == ["root"]
        return KeyStore({})

    def _poller(self, connection: EmailConnection, key_store: KeyStore) -> Poller:
        self.made.append(Poller(connection, key_store))
        return self.made[-1]


async def test_a_change_counts_from_the_next_poll_on_and_a_running_poll_ends_as_it_began() -> None:
    bench = Bench()
    (first,) = bench.made
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(bench.tenant.poll("a"))
        await asyncio.sleep(0)
        await bench.tenant.change(lambda now: now.with_changed_server("server", timeout_ms=1))
        first.go.set()

    second = bench.made[1]
    assert (first.closed, second.closed) == (2, 0)  # at once, and behind the poll that ran
    second.go.set()
    second.succeeds = False
    assert running.result().succeeded
    assert not (await bench.tenant.poll("a")).succeeded
    assert (first.connection.server.timeout_ms, second.connection.server.timeout_ms) == (30_000, 1)


async def test_only_what_a_change_concerns_is_made_anew() -> None:
    bench = Bench(TWO)

    await bench.tenant.change(lambda now: now.with_changed_connection("a", folder="Other"))

    assert [each.connection.name for each in bench.made] == ["a", "b", "a"]
    assert bench.stores == 1


async def test_another_trust_makes_every_poller_anew() -> None:
    bench = Bench(TWO)

    await bench.tenant.change(lambda now: now.with_certificates({"root": b"DER"}))

    assert len(bench.made) == 4
    assert bench.made[2].key_store is bench.made[3].key_store is bench.tenant.key_store


async def test_a_change_is_reported_entry_by_entry_and_whoever_waits_is_told() -> None:
    bench = Bench()
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        tasks.create_task(bench.tenant.changed())
        await asyncio.sleep(0)
        await bench.tenant.change(lambda now: now.without_connection("a"))

    assert bench.seen == [MacoConfigured(Party.MACO, "e-mail connection", "a", "removed")]


async def test_a_refused_change_changes_nothing() -> None:
    bench = Bench()

    with pytest.raises(UnknownEntry):
        await bench.tenant.change(lambda now: now.without_connection("x"))

    assert bench.tenant.configuration is ONE
    assert bench.seen == []


async def test_polls_are_counted_and_a_running_one_has_its_progress() -> None:
    bench = Bench()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(bench.tenant.poll("a"))
        await asyncio.sleep(0)
        statistics = bench.tenant.statistics["a"]
        assert (statistics.running, statistics.running_since is None) == (1, False)
        progress = bench.tenant.progress("a")
        assert progress is not None
        assert progress.stage == "fetch"
        bench.made[0].go.set()

    assert (statistics.running, statistics.running_since) == (0, None)
    assert (statistics.succeeded, statistics.failed, statistics.stored, statistics.seconds) == (1, 0, 2, 0.5)
    assert statistics.last_success_at == statistics.last_at is not None


async def test_a_poll_that_is_broken_off_runs_no_more() -> None:
    bench = Bench()
    task = asyncio.get_running_loop().create_task(bench.tenant.poll("a"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert bench.tenant.statistics["a"].running == 0
    assert bench.tenant.statistics["a"].last is None


async def test_restoring_brings_back_the_first_configuration() -> None:
    bench = Bench()
    bench.made[0].go.set()
    await bench.tenant.poll("a")
    await bench.tenant.change(lambda now: now.without_connection("a"))

    await bench.tenant.restore()

    assert bench.tenant.configuration is ONE
    assert bench.tenant.statistics == {}


class Keeper:
    """Saves when it is let go."""

    def __init__(self) -> None:
        self.waits: asyncio.Queue[asyncio.Future[None]] = asyncio.Queue()
        self.taken: list[tuple[Configuration, Sequence[Difference]]] = []

    def __call__(self, configuration: Configuration, found: Sequence[Difference]) -> Awaitable[None]:
        self.taken.append((configuration, found))
        saved: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waits.put_nowait(saved)
        return saved


def folder(name: str) -> Callable[[Configuration], Configuration]:
    return lambda now: now.with_changed_connection("a", folder=name)


async def test_a_change_acts_once_it_is_saved_and_the_next_one_waits_for_it() -> None:
    keeper = Keeper()
    tenant = Bench(keep=keeper).tenant
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(tenant.change(folder("one")))
        second = tasks.create_task(tenant.change(folder("two")))
        saved = await keeper.waits.get()
        assert (len(keeper.taken), tenant.configuration) == (1, ONE)
        saved.set_result(None)
        await first
        assert tenant.configuration.connections["a"].folder == "one"
        saved = await keeper.waits.get()
        assert not second.done()
        saved.set_result(None)
    assert [each.connections["a"].folder for each, _ in keeper.taken] == ["one", "two"]
    assert [[(each.name, each.change) for each in found] for _, found in keeper.taken] == [[("a", "changed")]] * 2


async def test_a_change_that_could_not_be_saved_is_told_and_not_made() -> None:
    keeper = Keeper()
    bench = Bench(keep=keeper)

    async def change() -> None:
        with pytest.raises(NotKept):
            await bench.tenant.change(folder("Other"))

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(change())
        (await keeper.waits.get()).set_exception(NotKept("disk full"))
    assert (bench.tenant.configuration, bench.seen) == (ONE, [])


async def test_what_is_refused_is_not_handed_over() -> None:
    keeper = Keeper()
    tenant = Bench(keep=keeper).tenant
    with pytest.raises(SettingsError):
        await tenant.change(lambda now: now.with_changed_connection("a", lock_timeout_min=0))
    assert keeper.taken == []


async def test_a_configuration_for_a_while_is_not_kept_nor_what_changes_it() -> None:
    keeper = Keeper()
    tenant = Bench(keep=keeper).tenant

    before = await tenant.configure(TWO)
    await tenant.change(folder("Other"))
    await tenant.configure(before)
    assert keeper.taken == []

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(tenant.change(folder("Third")))
        (await keeper.waits.get()).set_result(None)
    assert list(keeper.taken[0][0].connections) == ["a"]
