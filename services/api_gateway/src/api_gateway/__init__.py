"""The one front door: every service in one process."""
