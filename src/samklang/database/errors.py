"""What can go wrong with the embedded database, each with what to do about it."""


class DatabaseError(Exception):
    """The embedded database cannot serve. The message says what, why and what to do next."""


class InUse(DatabaseError):
    """Another process holds the folder, or the part of it that was asked for."""


class NotRunning(DatabaseError):
    """Nobody runs the database of this folder just now."""


class OtherVersion(DatabaseError):
    """The folder was made by another major version of PostgreSQL than the programs at hand."""


class NotEnterable(DatabaseError):
    """The account that runs PostgreSQL, or we ourselves, may not enter the folder."""


class DiskFull(DatabaseError):
    """No space is left where the folder stands."""


class NoPrograms(DatabaseError):
    """Neither the embedded PostgreSQL nor one of the system's is at hand."""


class StartFailed(DatabaseError):
    """PostgreSQL did not start; the message ends with the last lines of its log."""


NAMED: dict[str, type[DatabaseError]] = {
    kind.__name__: kind for kind in (InUse, NotRunning, OtherVersion, NotEnterable, DiskFull, NoPrograms, StartFailed)
}
