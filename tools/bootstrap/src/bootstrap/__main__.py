"""Entry of `python3 -m bootstrap`; readable by any Python 3, so that an old one gets a sentence, not a syntax error."""

import sys

OLDEST = (3, 11)

if sys.version_info < OLDEST:
    sys.exit(
        "bootstrap: Python %d.%d at %s is too old: Purser needs Python 3.11 or newer.\n"  # noqa: UP031
        "Install it and name it, for example: make PYTHON=python3.11 run-api"
        % (sys.version_info[0], sys.version_info[1], sys.executable)
    )

from bootstrap.main import main  # noqa: E402  (only a new enough Python can read it)

if __name__ == "__main__":
    sys.exit(main())
