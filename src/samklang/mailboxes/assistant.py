"""The set-up assistant: the script for a connection as it is saved."""

from __future__ import annotations

from dataclasses import replace

from samklang.config import config
from samklang.mailboxes import scripts
from samklang.mailboxes.models import Connection

#: Failures that the script mends.
_MENDED = {"impersonation_denied", "impersonation_missing"}


def script_for(connection: Connection, order: scripts.Order) -> scripts.Script:
    """The ordered script with the saved version, account or application. Raises ScriptRefused."""
    known = replace(order, account=account_of(connection), app=config().app_id)
    return scripts.write(connection.version, known)


def account_of(connection: Connection) -> str:
    """The delegate account as Exchange's commands take it: DOMAIN\\name, or user@domain; "" while none is saved."""
    name = connection.username.strip()
    if not name or not connection.domain or "@" in name or "\\" in name:
        return name
    return f"{connection.domain.strip()}\\{name}"


def command_against(connection: Connection, code: str) -> str:
    """The commands that mend this failure for every user; "" where no script does."""
    if code not in _MENDED or connection.is_office365:
        return ""
    try:
        return script_for(connection, scripts.Order()).grant
    except scripts.ScriptRefused:
        return ""
