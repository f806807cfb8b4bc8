"""The control API's operations, and its OpenAPI description made from them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from samklang.sandbox.accounts import Account, Server, Tenant
from samklang.sandbox.control_answers import Operation
from samklang.sandbox.control_forms import (
    Answer,
    ChangeMailbox,
    Group,
    LifecycleEvent,
    MoveEntry,
    NewMailbox,
    SetClock,
)
from samklang.sandbox.entries import EntryFields
from samklang.sandbox.faults import Fault
from samklang.sandbox.graph.settings import GraphSettings

_OCCURRENCE = {"occurrence": "The original date (YYYY-MM-DD) of one occurrence of a series; without it, the whole."}

_SEND = {
    "send": "Whom Outlook mails about a meeting one organizes: none (default), changed (those added, removed), all."
}

OPERATIONS = (
    Operation("POST", "/mailboxes", "create_mailbox", "Create a mailbox", NewMailbox, status=201),
    Operation("GET", "/mailboxes", "list_mailboxes", "All mailboxes, with how many entries each holds"),
    Operation("PATCH", "/mailboxes/{address}", "change_mailbox", "Change or disable a mailbox", ChangeMailbox),
    Operation("POST", "/mailboxes/{address}/move", "move_mailbox", "Move a mailbox to another database"),
    Operation("DELETE", "/mailboxes/{address}", "delete_mailbox", "Delete a mailbox and all it holds", status=204),
    Operation(
        "GET",
        "/mailboxes/{address}/entries",
        "list_entries",
        "Singles and series with their exceptions; expanded: occurrences",
        query={
            "folder": "calendar (default), deleteditems, recoverableitemsdeletions, or a calendar by its name",
            "expand": "FROM/TO (ISO times): occurrences that touch the window, of the calendar",
        },
    ),
    Operation("POST", "/mailboxes/{address}/entries", "create_entry", "A person creates", EntryFields, _SEND, 201),
    Operation(
        "POST",
        "/mailboxes/{address}/entries/{id}/move",
        "move_entry",
        "A person moves an entry to another folder, or back; its id is new afterwards, its immutable id is not",
        MoveEntry,
    ),
    Operation(
        "POST",
        "/mailboxes/{address}/ics",
        "load_ics",
        "Store an iCalendar file (the body); answers how many were stored and which were rejected, and why",
        query={"protocol": "ews or graph: who shall be able to hold it"},
    ),
    Operation("GET", "/mailboxes/{address}/entries/{id}", "show_entry", "One entry"),
    Operation(
        "PATCH",
        "/mailboxes/{address}/entries/{id}",
        "change_entry",
        "A person edits",
        EntryFields,
        _OCCURRENCE | _SEND,
    ),
    Operation(
        "DELETE",
        "/mailboxes/{address}/entries/{id}",
        "delete_entry",
        "A person deletes, or with `send` cancels",
        None,
        _OCCURRENCE | _SEND,
        204,
    ),
    Operation(
        "POST",
        "/mailboxes/{address}/entries/{id}/answer",
        "answer_invitation",
        "A person answers an invitation; the declined entry goes to Deleted Items",
        Answer,
        _OCCURRENCE,
        204,
    ),
    Operation("GET", "/counts", "counts", 'What was counted, by mailbox address; "" where none was known'),
    Operation("GET", "/counts/{address}", "counts_of", "What was counted for one mailbox"),
    Operation("DELETE", "/counts", "zero_counts", "Count from zero", status=204),
    Operation(
        "GET",
        "/mails",
        "mails",
        "Mails a server would have sent, without their texts",
        query={"cause": "program (a client's requests) or person (in Outlook); left out: both"},
    ),
    Operation("GET", "/log", "log", "Requests served, without contents", query={"since": "only later numbers"}),
    Operation("GET", "/validation", "validation", "What was checked against the official schemas"),
    Operation("GET", "/clock", "show_clock", "The sandbox's time"),
    Operation("PUT", "/clock", "set_clock", "Set, stop or free the clock", SetClock),
    Operation("GET", "/server", "show_server", "The Exchange server's version, log-on methods and Autodiscover"),
    Operation(
        "PUT", "/server", "set_server", "Set the Exchange server's version, log-on methods and Autodiscover", Server
    ),
    Operation("GET", "/graph", "show_graph", "How Graph behaves where there is a choice"),
    Operation("PUT", "/graph", "set_graph", "Set how Graph behaves; what is left out is the default", GraphSettings),
    Operation("PUT", "/accounts", "set_account", "Set an Exchange account and whom it may impersonate", Account),
    Operation("PUT", "/groups", "set_group", "Set a distribution list's members", Group),
    Operation("PUT", "/tenants", "set_tenant", "Set a Microsoft 365 tenant and its apps", Tenant),
    Operation("GET", "/tenants", "list_tenants", "All tenants"),
    Operation("GET", "/subscriptions", "list_subscriptions", "Who is told of changes, over which protocol"),
    Operation("DELETE", "/subscriptions/{id}", "lose_subscription", "The server forgets one, silently", status=204),
    Operation(
        "POST", "/subscriptions/{id}/lifecycle", "tell_lifecycle", "Graph tells of its life", LifecycleEvent, status=204
    ),
    Operation("POST", "/faults", "add_fault", "Order a fault", Fault, status=201),
    Operation("GET", "/faults", "list_faults", "All faults, with how often each matched and fired"),
    Operation("DELETE", "/faults", "remove_faults", "Remove all faults", status=204),
    Operation("DELETE", "/faults/{id}", "remove_faults", "Remove one fault", status=204),
    Operation("POST", "/reset", "reset", "Forget everything but the certificate", status=204),
    Operation("GET", "/openapi.json", "openapi", "This description"),
)


def document(server: str, more: Sequence[Operation] = ()) -> dict[str, Any]:
    """`more`: the operations of other parts."""
    operations = [*OPERATIONS, *more]
    forms = list({operation.form for operation in operations if operation.form})
    _, components = msgspec.json.schema_components(forms, ref_template="#/components/schemas/{name}")
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Samklang sandbox: control API", "version": "1"},
        "servers": [{"url": server}],
        "paths": paths,
        "components": {"schemas": components},
    }


def _described(operation: Operation) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", operation.path)
    ] + [
        {"name": name, "in": "query", "description": text, "schema": {"type": "string"}}
        for name, text in operation.query.items()
    ]
    answer = {"description": "Done", **({} if operation.status == 204 else {"content": {"application/json": {}}})}
    problem = {"description": "Refused, with the reason", "content": {"application/problem+json": {}}}
    described: dict[str, Any] = {
        "operationId": operation.name + ("_one" if operation.path.endswith("faults/{id}") else ""),
        "summary": operation.summary,
        "responses": {str(operation.status): answer, "4XX": problem},
    }
    if parameters:
        described["parameters"] = parameters
    if operation.form:
        schema = {"$ref": f"#/components/schemas/{operation.form.__name__}"}
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return described
