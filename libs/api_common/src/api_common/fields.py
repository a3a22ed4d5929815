"""Field types that requests of several services share."""

import re
from datetime import date
from typing import Annotated

from pydantic import BeforeValidator

_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _day(value: object) -> object:
    # Pydantic would also take a number of seconds since 1970, or a moment, which nobody means by a day.
    if type(value) is date:
        return value
    try:
        if isinstance(value, str) and _ISO_DAY.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise ValueError(f'"{str(value)[:20]}" is not a date such as 2026-01-31')


Day = Annotated[date, BeforeValidator(_day, json_schema_input_type=date)]
"""A day of a request, in a body or in the query: `2026-01-31` and nothing else."""
