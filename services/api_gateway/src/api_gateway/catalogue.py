"""Which services there are, from the catalogue that is generated into this package."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.resources import files
from typing import Any

from api_common import Service

SELF = "api_gateway"


class CatalogueError(Exception):
    """The catalogue names a service that cannot be had; the message says which and why."""


@dataclass(frozen=True)
class Entry:
    """One service of the catalogue: its name, and where the function that describes it is found."""

    name: str
    factory: str

    def service(self) -> Service:
        """Import the service and let it describe itself.

        Raises:
            CatalogueError: the import string leads nowhere, or to something that is no service of this name.
            config.SettingsError: the service finds a wrong setting.
        """
        module, _, function = self.factory.partition(":")
        try:
            build = getattr(import_module(module), function)
        except (ImportError, AttributeError) as error:
            raise CatalogueError(
                f'service {self.name}: "{self.factory}" cannot be imported ({error}). '
                "Install the service, or run `make sync` if it has moved."
            ) from error
        described = build()
        if not isinstance(described, Service) or described.name != self.name:
            raise CatalogueError(f'service {self.name}: "{self.factory}" does not describe a service of that name.')
        return described


def embedded_services() -> list[Entry]:
    """All services of the catalogue but the front door itself, by name."""
    return entries(_catalogue())


def prefixes() -> dict[str, tuple[str, ...]]:
    """The paths below which each service answers, by name, without the front door."""
    return {name: tuple(described["prefixes"]) for name, described in _catalogue()["services"].items() if name != SELF}


def _catalogue() -> dict[str, Any]:
    return tomllib.loads((files("api_gateway") / "catalogue.toml").read_text(encoding="utf-8"))


def entries(catalogue: Mapping[str, Mapping[str, Mapping[str, object]]]) -> list[Entry]:
    """Read the entries of a parsed catalogue, leaving out the front door.

    Raises:
        CatalogueError: an entry lacks its import string.
    """
    found = []
    for name, described in sorted(catalogue.get("services", {}).items()):
        factory = described.get("import")
        if not isinstance(factory, str) or ":" not in factory:
            raise CatalogueError(f'service {name}: the catalogue has no import string of the form "module:function".')
        if name != SELF:
            found.append(Entry(name, factory))
    return found
