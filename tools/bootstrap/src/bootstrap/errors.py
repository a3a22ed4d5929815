"""What can go wrong, as a sentence for the person at the terminal."""


class BootstrapError(Exception):
    """A step that cannot be done; the message names the thing, the place and the way out."""
