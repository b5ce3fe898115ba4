from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from maco_client.failures import SettingsError
from maco_client.settings import Schedule


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("schedule", "ended", "due"),
    [
        (Schedule(every_s=60), "2026-11-26 23:59:30", "2026-11-27 00:00:30"),
        (Schedule(every_s=0.5), "2026-11-26 12:00", "2026-11-26 12:00:00.5"),
        (Schedule(every_s=600, not_before="06:00", not_after="22:00"), "2026-11-26 21:55", "2026-11-27 06:00"),
        (Schedule(every_s=600, not_before="06:00", not_after="22:00"), "2026-11-26 03:00", "2026-11-26 06:00"),
        (Schedule(every_s=600, not_before="06:00", not_after="22:00"), "2026-11-26 06:00", "2026-11-26 06:10"),
        (Schedule(every_s=600, weekdays=("Mon",)), "2026-11-26 12:00", "2026-11-30 00:00"),  # type: ignore[arg-type]  # a Thursday; a label will do
        (Schedule(at="07:30"), "2026-11-26 07:29", "2026-11-26 07:30"),
        (Schedule(at="07:30"), "2026-11-26 07:30", "2026-11-27 07:30"),
        (Schedule(at="07:30", days_of_month=(1, 31)), "2026-12-31 08:00", "2027-01-01 07:30"),
        (Schedule(at="07:30", days_of_month=(31,)), "2027-01-31 08:00", "2027-03-31 07:30"),
        (Schedule(at="07:30", on_date=dt.date(2030, 2, 1)), "2026-11-26 08:00", "2030-02-01 07:30"),
        (Schedule(every_s=60, on_date=dt.date(2026, 11, 26)), "2026-11-26 08:00", "2026-11-26 08:01"),
        (Schedule(at="07:30", time_zone="Europe/Berlin"), "2026-11-26 08:00", "2026-11-27 06:30"),
        (Schedule(at="07:30", time_zone="Europe/Berlin"), "2026-07-26 08:00", "2026-07-27 05:30"),
    ],
)
def test_the_next_poll_is_due(schedule: Schedule, ended: str, due: str) -> None:
    assert schedule.next_after(utc(ended)) == utc(due)


@pytest.mark.parametrize(
    "schedule",
    [
        Schedule(at="07:30", on_date=dt.date(2026, 11, 26)),
        Schedule(every_s=60, on_date=dt.date(2026, 11, 25)),
    ],
)
def test_a_day_that_is_over_brings_no_poll_any_more(schedule: Schedule) -> None:
    assert schedule.next_after(utc("2026-11-26 07:30")) is None


def test_a_schedule_by_interval_polls_at_once_within_its_hours_only() -> None:
    schedule = Schedule(every_s=60, not_before="06:00", not_after="22:00", time_zone="Europe/Berlin")

    assert schedule.allows(utc("2026-11-26 05:00"))
    assert not schedule.allows(utc("2026-11-26 04:59"))
    assert not schedule.allows(utc("2026-11-26 21:00"))
    assert not Schedule(at="07:30").allows(utc("2026-11-26 07:30"))


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("every_s", {}),
        ("every_s", {"every_s": 60, "at": "07:30"}),
        ("every_s", {"every_s": 0}),
        ("every_s", {"every_s": 86_401}),
        ("at", {"at": "7:30"}),
        ("at", {"at": "24:00"}),
        ("at", {"at": "07:30", "not_before": "06:00"}),
        ("not_after", {"every_s": 60, "not_before": "22:00", "not_after": "06:00"}),
        ("not_before", {"every_s": 60, "not_before": "25:00"}),
        ("weekdays", {"every_s": 60, "weekdays": ("Monday",)}),
        ("days_of_month", {"every_s": 60, "days_of_month": (32,)}),
        ("days_of_month", {"every_s": 60, "weekdays": ("Mon",), "days_of_month": (1,)}),
        ("time_zone", {"every_s": 60, "time_zone": "Middle/Earth"}),
        ("time_zone", {"every_s": 60, "time_zone": "../../etc/passwd"}),
    ],
)
def test_what_cannot_be_is_refused_by_the_name_of_its_field(field: str, values: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as caught:
        Schedule(**values)

    assert caught.value.field == field
