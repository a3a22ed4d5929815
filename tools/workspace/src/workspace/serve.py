"""Runs one service: `python -m workspace.serve auth_service.main`, for services whose module is no script."""

import importlib
import sys

if __name__ == "__main__":
    importlib.import_module(sys.argv[1]).run()
