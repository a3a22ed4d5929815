"""What goes wrong while settings and connection files are read."""

from collections.abc import Sequence


class SettingsError(Exception):
    """One or more settings are wrong; the message lists every one of them with its way out.

    Attributes:
        problems: one line per wrong setting, naming the variable, its value (unless secret) and the accepted form.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        heading = "One setting is wrong:" if count == 1 else f"{count} settings are wrong:"
        super().__init__("\n".join([heading, *(f"  - {problem}" for problem in self.problems)]))


class ConnectionFileError(Exception):
    """A connection file is missing, unreadable or wrong; the message names the file, the field and the way out."""
