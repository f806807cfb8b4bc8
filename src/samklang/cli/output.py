"""What commands share: reaching the database, printing, failing."""

from __future__ import annotations

import atexit
import json
import os
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from samklang.accounts.models import Organization, User

OK, ATTENTION, WRONG_USE, CANNOT_REACH = 0, 1, 2, 3


class Failure(Exception):
    """A command's end with one sentence for the operator and an exit status."""

    def __init__(self, message: str, status: int = ATTENTION) -> None:
        self.status = status
        super().__init__(message)


def open_database(*, bring_up_to_date: bool = False) -> None:
    """Make Django usable: join (or start for the time of this command) the embedded PostgreSQL unless DATABASE_URL is
    set, and bring the schema up to date where nobody serves yet."""
    import django
    from pydantic import ValidationError

    try:
        from samklang.config import config

        settings = config()
    except ValidationError as error:
        raise Failure("; ".join(str(e["msg"]) for e in error.errors()), WRONG_USE) from None
    embedded = settings.database_url is None
    if settings.database_url is None:
        from samklang import database

        try:
            handle = database.ensure(settings.data)
        except database.DatabaseError as error:
            raise Failure(str(error), CANNOT_REACH) from error
        # Where nobody else uses it, it ends with the command, not a moment later.
        atexit.register(handle.stop)
        os.environ["DATABASE_URL"] = handle.url
        config.cache_clear()
    else:
        _must_answer(settings.database_url.get_secret_value())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "samklang.settings")
    django.setup()
    _must_be_ours_to_read()
    if embedded or bring_up_to_date:
        migrate()
    from samklang.mailboxes.secrets import WrongKeyFile, check_key_file

    try:
        check_key_file()
    except WrongKeyFile as error:
        raise Failure(str(error)) from error


@cache
def _must_answer(url: str) -> None:
    """Fail in one sentence, at once, where the pool would try for half a minute. The driver names no password. What
    answered this process once is not asked again."""
    import psycopg

    try:
        psycopg.connect(url, connect_timeout=10).close()
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[-1]
        raise Failure(f"The database of DATABASE_URL cannot be reached: {reason}", CANNOT_REACH) from error


def _must_be_ours_to_read() -> None:
    """Fail when a newer Samklang has brought the database to a schema this one does not know: it would misread it."""
    from django.db import connection
    from django.db.migrations.recorder import MigrationRecorder

    known = _our_migrations()
    recorder = MigrationRecorder(connection)
    if not recorder.has_table():
        return
    ours = recorder.migration_qs.filter(app__in={label for label, _name in known})
    newer = set(ours.values_list("app", "name")) - known
    if newer:
        label, name = min(newer)
        raise Failure(
            f"This database was brought up to date by a newer Samklang ({label} {name}). Nothing was changed. Install "
            "that version again, or restore the backup made before it."
        )


@cache
def _our_migrations() -> set[tuple[str, str]]:
    """Label and name of each this Samklang has."""
    import pkgutil

    from django.apps import apps

    return {
        (app.label, module.name)
        for app in apps.get_app_configs()
        if app.name.startswith("samklang.")
        for module in pkgutil.iter_modules([str(Path(app.path) / "migrations")])
    }


def migrate() -> None:
    """Bring the schema up to date; one process at a time, a no-op when it is."""
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_lock(84800001)")
        try:
            executor = MigrationExecutor(connection)
            if executor.migration_plan(executor.loader.graph.leaf_nodes()):
                call_command("migrate", verbosity=0, interactive=False)
        finally:
            cursor.execute("select pg_advisory_unlock(84800001)")


def print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2, default=_plain))


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    raise TypeError(type(value).__name__)


def print_settings(values: Mapping[str, object], *, as_json: bool) -> None:
    """As JSON, or a line each; of a list its members."""
    if as_json:
        print_json(values)
        return
    for name, value in values.items():
        print(f"{name:<16} {', '.join(value) if isinstance(value, list) else value}")


def types_named(by_name: Mapping[str, str], names: str, *, status: int, none_known: str = "") -> list[str]:
    """Ids of the activity types that an option names, comma separated; "all" means every one that may be synced.

    `status`: of the Failure that is raised for another name; `none_known`: what it says where there are none.
    """
    if names == "all":
        return list(by_name.values())
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in by_name]
    if unknown:
        known = ", ".join(by_name) or none_known
        raise Failure(f"No activity type to sync is called {', '.join(unknown)}. There are: {known}.", status)
    return [by_name[name] for name in wanted]


def read_secret(path: str) -> str:
    """A password or secret from a file, "-" for standard input; its last line end is not part of it."""
    try:
        text = Path("/dev/stdin" if path == "-" else path).read_text()
    except OSError as error:
        raise Failure(f"Cannot read {path}: {error.strerror}", WRONG_USE) from error
    secret = text.rstrip("\r\n")
    if not secret:
        raise Failure(f"{path} is empty", WRONG_USE)
    return secret


def the_user(email: str) -> User:
    from samklang.accounts.models import User

    user: User | None = User.objects.filter(email__iexact=email).select_related("organization").first()
    if user is None:
        raise Failure(f"There is no user {email}. 'samklang user list' shows who there is.", WRONG_USE)
    return user


def the_organization(name: str | None) -> Organization:
    """The named organization; the only one when no name is given."""
    from samklang.accounts.models import Organization

    if name:
        found = Organization.objects.filter(name=name).first()
        if found is None:
            raise Failure(f"There is no organization {name!r}.", WRONG_USE)
        return found
    several = list(Organization.objects.all()[:2])
    if not several:
        raise Failure("There is no organization yet: 'samklang user add … --org NAME --admin' makes one.", WRONG_USE)
    if len(several) > 1:
        raise Failure("There are several organizations: say which with --org NAME.", WRONG_USE)
    return several[0]
