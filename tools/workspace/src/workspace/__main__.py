"""Entry of `python -m workspace`."""

import sys

from workspace.main import main

if __name__ == "__main__":
    sys.exit(main())
