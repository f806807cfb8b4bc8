"""The embedded PostgreSQL: one call gives a running database in a data folder, and nothing is left behind.

    with ensure(Path("/var/lib/samklang")) as database:
        psycopg.connect(database.url)

How it lives: `launcher` (in the application) takes a shared lock and starts a `keeper` process; the keeper
runs PostgreSQL and ends it when the last lock is gone. No TCP port, a private socket, a generated password.
See docs/operations.md, "The embedded database".
"""

from samklang.database.errors import (
    DatabaseError,
    DiskFull,
    InUse,
    NoPrograms,
    NotEnterable,
    NotRunning,
    OtherVersion,
    StartFailed,
)
from samklang.database.launcher import Database, attach, claim, ensure, is_reachable, running_url

__all__ = [
    "Database",
    "DatabaseError",
    "DiskFull",
    "InUse",
    "NoPrograms",
    "NotEnterable",
    "NotRunning",
    "OtherVersion",
    "StartFailed",
    "attach",
    "claim",
    "ensure",
    "is_reachable",
    "running_url",
]
