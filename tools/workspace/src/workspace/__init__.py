"""The workspace's own commands: generated files, locks, boundaries, gates and the process runner."""
