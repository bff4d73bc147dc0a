"""Counting in the Gregorian calendar: whole days, months and years between dates of 1-01-01 to 9999-12-31."""

import calendar
import datetime

from app.errors import CalculationError


def date_of(year: int, month: int, day: int) -> datetime.date:
    try:
        return datetime.date(year, month, day)
    except (ValueError, OverflowError):
        raise CalculationError(f"date({year}, {month}, {day}) is not a day in the calendar.") from None


def add_days(start: datetime.date, days: int) -> datetime.date:
    try:
        return start + datetime.timedelta(days=days)
    except OverflowError:
        raise _outside() from None


def add_months(start: datetime.date, months: int) -> datetime.date:
    """The same day of the month; the month's last day where it is shorter (January 31 + 1 -> February 28)."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    if not datetime.MINYEAR <= year <= datetime.MAXYEAR:
        raise _outside()
    last = calendar.monthrange(year, month + 1)[1]
    return datetime.date(year, month + 1, min(start.day, last))


def add_years(start: datetime.date, years: int) -> datetime.date:
    """The same day of the year; February 28 for February 29 in a common year."""
    return add_months(start, 12 * years)


def days_between(start: datetime.date, end: datetime.date) -> int:
    """Days from start to end; negative when end is earlier."""
    return (end - start).days


def age_days(birth: datetime.date, on: datetime.date) -> int:
    """Days lived on the day `on`; 0 on the day of birth."""
    if birth > on:
        raise CalculationError(f"The birth date {birth} is later than {on}.")
    return days_between(birth, on)


def age_years(birth: datetime.date, on: datetime.date) -> int:
    """Full years lived on the day `on`. Someone born on February 29 turns a year older on March 1
    of a common year."""
    age_days(birth, on)
    return on.year - birth.year - ((on.month, on.day) < (birth.month, birth.day))


def _outside() -> CalculationError:
    return CalculationError("The date lies outside the years 1 to 9999.")
