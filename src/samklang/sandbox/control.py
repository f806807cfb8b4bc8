"""The control API on the plain port: what a test or a demo asks of the sandbox itself. See docs/sandbox.md.

JSON in and out, errors as application/problem+json, described at {control}/openapi.json.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import msgspec
from aiohttp import web

from samklang.sandbox import calendar, control_openapi, entries, ics, outlook, permissions, recurrence, zones
from samklang.sandbox.accounts import Account, Server, Tenant, server
from samklang.sandbox.context import Sandbox
from samklang.sandbox.control_answers import Problem, answer, fields_of, moment, read, window
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
from samklang.sandbox.ews import streaming
from samklang.sandbox.faults import Fault
from samklang.sandbox.graph import notices, subscriptions
from samklang.sandbox.graph import settings as graph_settings
from samklang.sandbox.graph.settings import GraphSettings
from samklang.sandbox.meetings import Told
from samklang.sandbox.model import CALENDAR, Item, Mailbox
from samklang.sandbox.recurrence import RecurrenceError
from samklang.sandbox.severa import control as severa_control
from samklang.sandbox.severa import control_people as severa_people
from samklang.sandbox.severa.call import SeveraError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def add_routes(app: web.Application, sandbox: Sandbox) -> None:
    part = web.Application(middlewares=[_problems], client_max_size=64 * 1024 * 1024)
    for operations, handlers in (
        (control_openapi.OPERATIONS, _Control(sandbox)),
        (severa_control.OPERATIONS, severa_control.Control(sandbox.store)),
        (severa_people.OPERATIONS, severa_people.People(sandbox.store)),
    ):
        for operation in operations:
            part.router.add_route(operation.method, operation.path, getattr(handlers, operation.name))
    app.add_subapp("/control", part)


@web.middleware
async def _problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Problem as problem:
        return _problem(problem.status, str(problem), problem.code)
    except (calendar.CalendarError, RecurrenceError) as error:
        return _problem(422, str(error), error.code)
    except SeveraError as error:
        return _problem(422, str(error), error.type)
    except (msgspec.ValidationError, msgspec.DecodeError, ValueError) as error:
        return _problem(400, str(error))
    except web.HTTPException as error:
        return _problem(error.status, error.reason)


def _problem(status: int, detail: str, code: str = "") -> web.Response:
    body = {"title": detail, "status": status, "detail": detail} | ({"code": code} if code else {})
    return web.json_response(body, status=status, content_type="application/problem+json")


class _Control:
    """One method per operation; `control_openapi` says which path leads to which."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox, self._store = sandbox, sandbox.store

    def _mailbox(self, request: web.Request) -> Mailbox:
        address = request.match_info["address"]
        mailbox = self._store.mailbox(address)
        if mailbox is None:
            raise Problem(404, f"No mailbox has the address {address}; create it with POST /control/mailboxes.")
        return mailbox

    def _entry(self, request: web.Request) -> tuple[Item, date | None]:
        mailbox, id = self._mailbox(request), request.match_info["id"]
        item = self._store.item(id) or self._store.item_by_immutable_id(id)
        if item is None or item.mailbox != mailbox.id:
            raise Problem(404, f"The mailbox {mailbox.address} has no entry with that id.")
        given = request.query.get("occurrence")
        if given and item.recurrence is None:
            raise Problem(400, "The entry is no series: it has no occurrences.")
        return item, date.fromisoformat(given) if given else None

    # --- mailboxes
    async def create_mailbox(self, request: web.Request) -> web.Response:
        given = await read(request, NewMailbox)
        mailbox = Mailbox(
            **(msgspec.structs.asdict(given) | {"zone": zones.windows_id(given.zone)}), object_id=str(uuid.uuid4())
        )
        try:
            self._store.save_mailbox(mailbox)
        except ValueError as error:
            raise Problem(409, str(error)) from error
        return answer({"id": mailbox.id, "address": mailbox.address, "object_id": mailbox.object_id}, 201)

    async def list_mailboxes(self, request: web.Request) -> web.Response:
        return answer([self._shown(mailbox) for mailbox in self._store.mailboxes()])

    def _shown(self, mailbox: Mailbox) -> dict[str, Any]:
        shown = msgspec.structs.asdict(mailbox)
        del shown["password"], shown["extra"]
        return shown | {"entries": self._store.count_items(mailbox)}

    async def change_mailbox(self, request: web.Request) -> web.Response:
        mailbox, fields = self._mailbox(request), fields_of(await read(request, ChangeMailbox))
        for name, value in fields.items():
            setattr(mailbox, name, zones.windows_id(value) if name == "zone" else value)
        return answer(self._shown(self._store.save_mailbox(mailbox)))

    async def move_mailbox(self, request: web.Request) -> web.Response:
        mailbox = self._mailbox(request)
        mailbox.moves += 1
        streaming.forget(self._store, mailbox)
        return answer(self._shown(self._store.save_mailbox(mailbox)))

    async def delete_mailbox(self, request: web.Request) -> web.Response:
        self._store.delete_mailbox(self._mailbox(request))
        return web.Response(status=204)

    # --- entries, as a person's acts
    async def list_entries(self, request: web.Request) -> web.Response:
        mailbox, expand = self._mailbox(request), request.query.get("expand")
        if expand is None:
            folder = self._folder(mailbox, request.query.get("folder", CALENDAR))
            return answer([entries.described(item) for item in self._store.items(mailbox, folder)])
        return answer(entries.expanded(self._store, mailbox, *window(expand)))

    async def create_entry(self, request: web.Request) -> web.Response:
        mailbox, given = self._mailbox(request), await read(request, EntryFields)
        return answer(entries.described(outlook.create(self._store, mailbox, given, _told(request))), 201)

    async def show_entry(self, request: web.Request) -> web.Response:
        return answer(entries.described(self._entry(request)[0]))

    async def change_entry(self, request: web.Request) -> web.Response:
        (item, day), mailbox, given = self._entry(request), self._mailbox(request), await read(request, EntryFields)
        return answer(entries.described(outlook.change(self._store, mailbox, item, given, day, _told(request))))

    async def delete_entry(self, request: web.Request) -> web.Response:
        item, day = self._entry(request)
        outlook.delete(self._store, self._mailbox(request), item, day, _told(request))
        return web.Response(status=204)

    async def answer_invitation(self, request: web.Request) -> web.Response:
        (item, day), given = self._entry(request), await read(request, Answer)
        mailbox = self._mailbox(request)
        outlook.respond(self._store, mailbox, item, given.response, day, mail=given.mail, anew=given.anew)
        return web.Response(status=204)

    async def move_entry(self, request: web.Request) -> web.Response:
        (item, _), mailbox, given = self._entry(request), self._mailbox(request), await read(request, MoveEntry)
        return answer(entries.described(self._store.move(item, self._folder(mailbox, given.folder, create=True))))

    def _folder(self, mailbox: Mailbox, name: str, *, create: bool = False) -> str:
        """The key of a folder by kind, or of a secondary calendar by name."""
        for folder in self._store.folders(mailbox):
            if name == folder.kind:
                return folder.kind
            if folder.kind == "secondary" and name == folder.name:
                return folder.id
        if not create:
            raise Problem(404, f"The mailbox {mailbox.address} has no folder {name}.")
        return self._store.add_calendar(mailbox, name).id

    async def load_ics(self, request: web.Request) -> web.Response:
        mailbox = self._mailbox(request)
        items, rejected = ics.load(await request.read(), request.query.get("protocol", "ews"), zone=mailbox.zone)
        with self._store.transaction():
            for item in items:
                self._store.save(ics.adopt(item, mailbox), ends=recurrence.ends(item), stamp=False)
        return answer({"stored": len(items), "rejected": rejected})

    # --- what happened
    async def counts(self, request: web.Request) -> web.Response:
        return answer({address: _counts(found) for address, found in self._store.counters().items()})

    async def counts_of(self, request: web.Request) -> web.Response:
        address = request.match_info["address"]
        mailbox = self._store.mailbox(address)
        key = (mailbox.address if mailbox else address).casefold()
        return answer(_counts(self._store.counters().get(key, {})))

    async def zero_counts(self, request: web.Request) -> web.Response:
        self._store.zero_counters()
        return web.Response(status=204)

    async def mails(self, request: web.Request) -> web.Response:
        cause = request.query.get("cause")
        return answer([mail._asdict() for mail in self._store.mails() if cause in (None, mail.cause)])

    async def log(self, request: web.Request) -> web.Response:
        return answer(self._store.log(int(request.query.get("since", 0))))

    async def validation(self, request: web.Request) -> web.Response:
        return answer(self._sandbox.validation.shown())

    # --- the world
    async def show_clock(self, request: web.Request) -> web.Response:
        clock = self._store.clock
        return answer({"now": clock.now().isoformat(), "running": clock.running})

    async def set_clock(self, request: web.Request) -> web.Response:
        given = await read(request, SetClock)
        self._store.clock.set(None if given.now is None else moment(given.now), running=given.running)
        return await self.show_clock(request)

    async def show_server(self, request: web.Request) -> web.Response:
        return answer(server(self._store))

    async def set_server(self, request: web.Request) -> web.Response:
        given = await read(request, Server)
        self._store.put("settings", "server", given)
        return answer(given)

    async def show_graph(self, request: web.Request) -> web.Response:
        return answer(graph_settings.settings(self._store))

    async def set_graph(self, request: web.Request) -> web.Response:
        given = await read(request, GraphSettings)
        self._store.put("settings", "graph", given)
        return answer(given)

    async def set_account(self, request: web.Request) -> web.Response:
        given = await read(request, Account)
        self._store.put("account", given.username.casefold(), given)
        return answer({"username": given.username, "impersonates": given.impersonates})

    async def set_group(self, request: web.Request) -> web.Response:
        given = await read(request, Group)
        self._store.put("group", given.address.casefold(), given.members)
        return answer(given)

    async def set_tenant(self, request: web.Request) -> web.Response:
        given = await read(request, Tenant)
        if before := self._store.get("tenant", given.id, Tenant):
            permissions.changed(self._store, before, given)
        self._store.put("tenant", given.id, given)
        return answer(given)

    async def list_tenants(self, request: web.Request) -> web.Response:
        return answer(list(self._store.all("tenant", Tenant).values()))

    async def reset(self, request: web.Request) -> web.Response:
        self._store.reset()
        self._sandbox.faults.reload()
        self._sandbox.traffic.reset()
        self._sandbox.validation.clear()
        return web.Response(status=204)

    # --- subscriptions
    async def list_subscriptions(self, request: web.Request) -> web.Response:
        addresses = {mailbox.id: mailbox.address for mailbox in self._store.mailboxes()}
        graph = [("graph", each.id, each.mailbox) for each in subscriptions.every(self._store)]
        ews = [("ews", each.id, each.mailbox) for each in streaming.every(self._store)]
        return answer(
            [
                {"protocol": protocol, "id": id, "mailbox": addresses.get(mailbox, "")}
                for protocol, id, mailbox in graph + ews
            ]
        )

    async def lose_subscription(self, request: web.Request) -> web.Response:
        id = request.match_info["id"]
        if not any(self._store.remove(kind, id) for kind in ("graph-subscription", "ews-subscription")):
            raise Problem(404, "There is no subscription with that id.")
        self._store.on_change()
        return web.Response(status=204)

    async def tell_lifecycle(self, request: web.Request) -> web.Response:
        given = await read(request, LifecycleEvent)
        if not await notices.lifecycle(self._sandbox, request.match_info["id"], given.event):
            raise Problem(404, "Graph has no subscription with that id.")
        return web.Response(status=204)

    # --- faults
    async def add_fault(self, request: web.Request) -> web.Response:
        return answer(self._sandbox.faults.add(await read(request, Fault)), 201)

    async def list_faults(self, request: web.Request) -> web.Response:
        return answer(self._sandbox.faults.all())

    async def remove_faults(self, request: web.Request) -> web.Response:
        if not self._sandbox.faults.remove(request.match_info.get("id")):
            raise Problem(404, "There is no fault with that id.")
        return web.Response(status=204)

    async def openapi(self, request: web.Request) -> web.Response:
        others = severa_control.OPERATIONS + severa_people.OPERATIONS
        return answer(control_openapi.document(self._sandbox.urls.get("control", "/control"), others))


def _told(request: web.Request) -> Told:
    told: Told = msgspec.convert(request.query.get("send", "none"), type=Told)
    return told


def _counts(found: dict[str, int]) -> dict[str, Any]:
    plain = ("requests", "logons", "logons_refused", "token_requests", "mails")
    peaks = ("max_concurrent", "max_per_second", "too_many", "during_back_off")
    operations = {name.partition(":")[2]: n for name, n in found.items() if name.startswith("operation:")}
    return {
        **{name: found.get(name, 0) for name in (*plain, *peaks)},
        "by_operation": operations,
        "writes": {kind: found.get(f"writes:{kind}", 0) for kind in ("create", "update", "delete")},
    }
