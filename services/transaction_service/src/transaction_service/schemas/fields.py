"""Field types that several requests share."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Self

from api_common.fields import Day
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, model_validator

from transaction_service.categories.tree import PATH_SEPARATOR
from transaction_service.currencies import CURRENCIES
from transaction_service.days import FIRST_DAY, LAST_DAY, keepable_day


def _known_currency(code: str) -> str:
    if code not in CURRENCIES:
        raise ValueError(f'"{code}" is not an ISO 4217 currency code such as EUR or USD')
    return code


Currency = Annotated[str, StringConstraints(strip_whitespace=True, to_upper=True), AfterValidator(_known_currency)]
"""An ISO 4217 code."""


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("a text cannot hold the character U+0000")
    return text


def _one_level(name: str) -> str:
    if PATH_SEPARATOR in f" {name} ":
        raise ValueError(f'"{PATH_SEPARATOR}" stands between the levels of a category; make one category per level')
    return name


def _kept(day: date) -> date:
    if not keepable_day(day):
        raise ValueError(f"{day} is not kept: days go from {FIRST_DAY} to {LAST_DAY}")
    return day


KeptDay = Annotated[Day, AfterValidator(_kept)]
"""A day of something that the ledger keeps."""

Storable = AfterValidator(_storable)
"""PostgreSQL keeps every character but this one; SQLite must not be more generous."""

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), Storable]
ShortName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), Storable]
CategoryName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), Storable, AfterValidator(_one_level)
]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), Storable]
SearchText = Annotated[str, StringConstraints(max_length=200), Storable]
FileName = Annotated[str, StringConstraints(max_length=255), Storable]
LongText = Annotated[str, StringConstraints(max_length=5000), Storable]


class Change(BaseModel):
    """A partial change: fields that are left out stay as they are; only those in `clearable` may be set to null."""

    model_config = ConfigDict(extra="forbid")

    clearable: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="after")
    def _only_clears_what_may_be_empty(self) -> Self:
        for name in sorted(self.model_fields_set - self.clearable):
            if getattr(self, name) is None:
                raise ValueError(f"{name} cannot be null; leave it out to keep it as it is")
        return self

    def given(self) -> dict[str, object]:
        """The fields that the client sent, by name."""
        return {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}
