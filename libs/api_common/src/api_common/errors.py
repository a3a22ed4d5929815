"""Errors of those who build and operate an application; no client ever sees them."""


class ConfigurationError(Exception):
    """A service is put together wrongly; the message says where."""


class StartupError(Exception):
    """The application cannot start; the message is for the operator and says what to do."""
