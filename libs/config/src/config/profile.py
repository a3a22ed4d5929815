"""The three situations in which Purser runs."""

from enum import StrEnum


class Profile(StrEnum):
    """Where a process runs; decides defaults and how strict the settings are."""

    DEVELOPMENT = "development"
    TEST = "test"
    PRODUCTION = "production"
