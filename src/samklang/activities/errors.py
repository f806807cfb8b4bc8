"""Why the calendar does not do what was asked; messages in the active language, naming what to do."""

from __future__ import annotations


class Refused(Exception):
    """A value or an act that is not possible."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class NotAllowed(Refused):
    """Possible, but not for this user."""


class NotThere(Refused):
    """No such activity among those the user may see."""


class Outdated(Refused):
    """Somebody changed the activity since it was read (version)."""
