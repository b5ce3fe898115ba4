from __future__ import annotations

from connector_sim.logs.rate import Rate


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_some_at_once_then_so_many_a_second_and_the_rest_is_counted() -> None:
    clock = Clock()
    rate = Rate(2.0, 3, clock)

    assert [rate.admits() for _ in range(5)] == [True, True, True, False, False]
    clock.now += 1.0
    assert [rate.admits() for _ in range(3)] == [True, True, False]
    assert (rate.take_suppressed(), rate.take_suppressed()) == (3, 0)


def test_a_long_silence_saves_up_no_more_than_what_is_taken_at_once() -> None:
    clock = Clock()
    rate = Rate(2.0, 3, clock)
    clock.now += 1000.0

    assert [rate.admits() for _ in range(4)] == [True, True, True, False]
