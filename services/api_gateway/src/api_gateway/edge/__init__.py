"""The production front door: Traefik, configured from the catalogue."""

from api_gateway.edge.migration import Migration, MigrationError, Route, Target, read_migration
from api_gateway.edge.traefik import Backend, EdgeSettings, dynamic, static

__all__ = [
    "Backend",
    "EdgeSettings",
    "Migration",
    "MigrationError",
    "Route",
    "Target",
    "dynamic",
    "read_migration",
    "static",
]
