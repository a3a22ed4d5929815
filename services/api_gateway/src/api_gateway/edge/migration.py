"""A migration from a legacy application, route by route: the file that says where each route is served.

legacy = "http://127.0.0.1:9000"

[[route]]
path = "/v1/transactions"          # as the services serve it
service = "transaction_service"
target = "weighted"                # legacy, service, weighted or mirror
weight = 10                        # percent of the requests that the service gets, or that are mirrored to it
old_path = "/api/transactions"     # as the legacy application serves it, where that differs
deprecated = 2026-12-01            # since when the old path is
sunset = 2027-06-01                # when it goes
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit


class MigrationError(Exception):
    """The file of a migration cannot be followed; the message names the entry, what is wrong and what is possible."""


class Target(StrEnum):
    """Who answers a route."""

    LEGACY = "legacy"
    SERVICE = "service"
    WEIGHTED = "weighted"
    """Both, by weight; a client stays with the one that answered it first."""
    MIRROR = "mirror"
    """The legacy application; the service gets copies, whose answers nobody sees."""


@dataclass(frozen=True)
class Route:
    """One route of the migration; see the module for the fields."""

    path: str
    service: str
    target: Target
    weight: int = 100
    old_path: str | None = None
    deprecated: date | None = None
    sunset: date | None = None


@dataclass(frozen=True)
class Migration:
    """Where the legacy application is, and the routes that are on their way; everything else of its is left to it."""

    legacy: str
    routes: tuple[Route, ...] = ()


def read_migration(file: Path, services: Collection[str]) -> Migration:
    """Read the file of a migration.

    Raises MigrationError when it is no TOML or an entry does not hold what it needs.
    """
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise MigrationError(f"{file}: {error}") from error
    legacy = document.get("legacy")
    if not isinstance(legacy, str) or urlsplit(legacy).scheme not in {"http", "https"}:
        raise MigrationError(f'{file}: `legacy` must be the address of the legacy application, "http://host:port"')
    routes = tuple(_route(file, number, entry, services) for number, entry in enumerate(document.get("route", []), 1))
    paths = [path for route in routes for path in {route.path, route.old_path or route.path}]
    repeated = sorted({path for path in paths if paths.count(path) > 1})
    if repeated:
        raise MigrationError(f'{file}: "{repeated[0]}" is the path of two routes')
    return Migration(legacy.rstrip("/"), routes)


def _route(file: Path, number: int, entry: Mapping[str, object], services: Collection[str]) -> Route:
    place = f"{file}: route {number}"
    known = set(Route.__dataclass_fields__)
    if unknown := sorted(entry.keys() - known):
        raise MigrationError(f'{place}: nobody knows "{unknown[0]}"; there are {", ".join(sorted(known))}')
    path, service, target = entry.get("path"), entry.get("service"), entry.get("target")
    if not isinstance(path, str) or not path.startswith("/"):
        raise MigrationError(f'{place}: `path` must begin with "/"')
    if not isinstance(service, str) or service not in services:
        raise MigrationError(f'{place} ({path}): `service` is "{service}"; there are {", ".join(sorted(services))}')
    if not isinstance(target, str) or target not in set(Target):
        raise MigrationError(f'{place} ({path}): `target` is "{target}"; there are {", ".join(Target)}')
    weight, old_path = entry.get("weight", 100), entry.get("old_path")
    if not isinstance(weight, int) or not 0 <= weight <= 100:
        raise MigrationError(f"{place} ({path}): `weight` is a percentage, a whole number from 0 to 100")
    if old_path is not None and (not isinstance(old_path, str) or not old_path.startswith("/")):
        raise MigrationError(f'{place} ({path}): `old_path` must begin with "/"')
    deprecated, sunset = (_day(place, path, entry, name) for name in ("deprecated", "sunset"))
    if (deprecated or sunset) and old_path is None:
        raise MigrationError(f"{place} ({path}): only an `old_path` can be deprecated or have a sunset")
    return Route(path.rstrip("/"), service, Target(target), weight, old_path, deprecated, sunset)


def _day(place: str, path: str, entry: Mapping[str, object], name: str) -> date | None:
    value = entry.get(name)
    if value is not None and type(value) is not date:
        raise MigrationError(f"{place} ({path}): `{name}` must be a date such as 2027-06-01, without quotes")
    return value
