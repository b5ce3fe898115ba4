"""When an e-mail connection is polled: the Scheduler tab, "Schedule on Day" and "Schedule to Recur". Pure.

Times of day are those of a time zone; every moment that goes in or out is an aware ``datetime``.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from maco_client.failures import SettingsError
from maco_client.settings.choices import Weekday, choice
from maco_client.settings.fields import check_number

SHORTEST_INTERVAL_S = 0.001
LONGEST_INTERVAL_S = 86_400
MIDNIGHT, END_OF_DAY = "00:00", "24:00"
UTC = "UTC"
SEARCH_DAYS = 62
"""Every weekday and every day of a month comes at least once in so many days."""

_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00", re.ASCII)


@dataclass(frozen=True)
class Schedule:
    """When to poll: every so many seconds, or at one time of day; on every day, or on chosen ones.

    ``not_before`` and ``not_after`` bound the interval within a day. ``on_date`` is "Schedule on Day"; ``weekdays`` and
    ``days_of_month`` make "Schedule to Recur" weekly or monthly, and without either it is daily.
    """

    every_s: float | None = None
    at: str = ""
    not_before: str = MIDNIGHT
    not_after: str = END_OF_DAY
    on_date: dt.date | None = None
    weekdays: tuple[Weekday, ...] = ()
    days_of_month: tuple[int, ...] = ()
    time_zone: str = UTC

    def __post_init__(self) -> None:
        """Raise SettingsError for what cannot be."""
        if (self.every_s is None) == (not self.at):
            found = "neither" if self.every_s is None else "both"
            raise SettingsError("every_s", f"found {found} of every_s and at, allowed is one of them")
        if self.every_s is not None:
            check_number("every_s", self.every_s, SHORTEST_INTERVAL_S, LONGEST_INTERVAL_S)
        self._check_times()
        object.__setattr__(self, "weekdays", tuple(choice(Weekday, "weekdays", each) for each in self.weekdays))
        for each in self.days_of_month:
            check_number("days_of_month", each, 1, 31)
        days = [name for name in ("on_date", "weekdays", "days_of_month") if getattr(self, name)]
        if len(days) > 1:
            raise SettingsError(days[-1], f"found {days[0]} too, allowed is one of on_date, weekdays and days_of_month")
        try:
            _ = self._zone
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise SettingsError(
                "time_zone", f"found {self.time_zone!r}, allowed is one such as 'Europe/Berlin' or 'UTC'"
            ) from error

    def _check_times(self) -> None:
        for name in ("at", "not_before", "not_after"):
            value = getattr(self, name)
            if value and not _TIME_OF_DAY.fullmatch(value):
                raise SettingsError(name, f"found {value!r}, allowed is 'HH:MM', from '00:00' to '24:00'")
        if self.at == END_OF_DAY:
            raise SettingsError("at", "found '24:00', allowed is '00:00' of the next day")
        if self.at and (self.not_before, self.not_after) != (MIDNIGHT, END_OF_DAY):
            raise SettingsError("at", "found not_before or not_after too, which belong to every_s")
        if self.not_before >= self.not_after:
            raise SettingsError("not_after", f"found {self.not_after!r}, allowed is later than {self.not_before!r}")

    @property
    def _zone(self) -> dt.tzinfo:
        """The time zone; UTC is there even on a machine without time zones."""
        return dt.UTC if self.time_zone == UTC else ZoneInfo(self.time_zone)

    def allows(self, moment: dt.datetime) -> bool:
        """Tell whether a poll by interval may run at ``moment``."""
        if self.every_s is None:
            return False
        local = moment.astimezone(self._zone)
        return self._is_chosen(local.date()) and self.not_before <= f"{local:%H:%M}" < self.not_after

    def next_after(self, moment: dt.datetime) -> dt.datetime | None:
        """Return when to poll next if the last poll has ended at ``moment``; None: never again."""
        due = moment + dt.timedelta(seconds=self.every_s or 0)
        if self.allows(due):
            return due
        zone = self._zone
        hour, minute = map(int, (self.at or self.not_before).split(":"))
        for day in self._days(moment.astimezone(zone).date()):
            begin = dt.datetime.combine(day, dt.time(hour, minute), zone)
            if begin > moment:
                return begin.astimezone(dt.UTC)
        return None

    def _days(self, first: dt.date) -> Iterator[dt.date]:
        if self.on_date is not None:
            yield self.on_date
            return
        for offset in range(SEARCH_DAYS):
            day = first + dt.timedelta(days=offset)
            if self._is_chosen(day):
                yield day

    def _is_chosen(self, day: dt.date) -> bool:
        if self.on_date is not None:
            return day == self.on_date
        if self.weekdays:
            return tuple(Weekday)[day.weekday()] in self.weekdays
        return not self.days_of_month or day.day in self.days_of_month


DEFAULT_SCHEDULE = Schedule(every_s=60)  # what CPI advises; its own default since 2017 is every 10 seconds
