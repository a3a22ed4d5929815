"""Making many frozen records quickly."""

from __future__ import annotations

from dataclasses import MISSING, Field, field, fields, make_dataclass
from typing import Any, TypeVar, cast

Record = TypeVar("Record")


def quick(kind: type[Record]) -> type[Record]:
    """A constructor of the records of a frozen dataclass with slots that takes less than half of its time.

    A frozen dataclass sets every field through ``object.__setattr__``. Here a twin with the same slots is filled in the
    plain way, and becomes a record of the class itself when it is done.

    >>> from data_processing import Balance
    >>> quick(Balance)("opening", 1) == Balance("opening", 1)
    True
    """

    def become(made: object) -> None:
        made.__class__ = kind

    twin = make_dataclass(
        f"{kind.__name__}InMaking",
        [(item.name, object, _like(item)) for item in fields(cast(Any, kind))],
        namespace={"__post_init__": become},
        slots=True,
        eq=False,
        repr=False,
    )
    return cast(type[Record], twin)


def _like(item: Field[Any]) -> Any:
    if item.default_factory is not MISSING:
        return field(default_factory=item.default_factory)
    return field(default=item.default) if item.default is not MISSING else field()
