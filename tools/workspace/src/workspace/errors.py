"""What can be wrong with the workspace, as sentences for the person at the terminal."""


class WorkspaceError(Exception):
    """The workspace cannot do what was asked; the message names the thing, the place and the way out."""


class NotPossibleHereError(WorkspaceError):
    """This machine lacks what the command needs, which says nothing of the workspace."""
