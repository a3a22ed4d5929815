"""Parameters of a request, gathered in an object."""

from collections.abc import Callable
from functools import cache
from inspect import signature
from typing import TypeVar

from fastapi import Depends, params

T = TypeVar("T")


@cache
def gathered(kind: Callable[..., T]) -> params.Depends:
    """Depend on an object of a class whose constructor takes parameters of the request.

    FastAPI's own `Depends()` calls every plain function and class in a thread, which takes as long as a small query.

    Example:
        ``filters: Annotated[Filters, gathered(Filters)]``
    """

    async def gather(**given: object) -> T:
        return kind(**given)

    # What FastAPI looks into for the parameters.
    gather.__signature__ = signature(kind, eval_str=True)  # type: ignore[attr-defined]  # every function may have it
    dependency: params.Depends = Depends(gather)
    return dependency
