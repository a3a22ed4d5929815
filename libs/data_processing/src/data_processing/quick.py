"""Making many frozen records quickly."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any, TypeVar, cast

Record = TypeVar("Record")


def quick(kind: type[Record]) -> type[Record]:
    """A constructor of the records of a frozen dataclass with slots that takes a quarter of its time.

    A frozen dataclass sets every field through ``object.__setattr__``. Here an object with the same slots is filled in
    the plain way, and becomes a record of the class itself when it is done. As ``dataclasses`` does for its
    constructors, the function is made from its text. Fields may have defaults, but no factories of them.

    >>> from data_processing import Balance
    >>> quick(Balance)("opening", 1) == Balance("opening", 1)
    True
    """
    items = fields(cast(Any, kind))
    names = [item.name for item in items]
    known: dict[str, Any] = {f"_{item.name}": item.default for item in items if item.default is not MISSING}
    parameters = [f"{name}=_{name}" if f"_{name}" in known else name for name in names]
    known |= {"__kind": kind, "__new": object.__new__}
    known["__Unfinished"] = type(f"{kind.__name__}InMaking", (), {"__slots__": names})
    lines = [
        f"def make({', '.join(parameters)}):",
        "__made = __new(__Unfinished)",
        *(f"__made.{name} = {name}" for name in names),
        "__made.__class__ = __kind",
        "return __made",
    ]
    exec("\n    ".join(lines), known)  # noqa: S102 - the text is made of the names of fields alone
    return cast(type[Record], known["make"])
