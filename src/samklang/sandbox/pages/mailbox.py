"""A mailbox's page: its calendar, and what a person does there."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from samklang.sandbox import calendar, entries, recurrence, zones
from samklang.sandbox.context import Sandbox
from samklang.sandbox.entries import EntryFields
from samklang.sandbox.model import DELETED, Item, Mailbox, merged
from samklang.sandbox.pages import form, sent
from samklang.sandbox.pages.grid import View, days_of, grid
from samklang.sandbox.pages.markup import Markup, fragment, h, page


def add_routes(app: web.Application, sandbox: Sandbox) -> None:
    pages = _Mailboxes(sandbox)
    base = "/mailboxes/{address}"
    app.router.add_get("/", pages.index)
    app.router.add_get(base, pages.show)
    app.router.add_get(base + "/", pages.show)
    app.router.add_get(base + "/grid", pages.grid)
    app.router.add_get(base + "/state", pages.state)
    app.router.add_get(base + "/new", pages.ask_new)
    app.router.add_post(base + "/new", pages.create)
    app.router.add_get(base + "/entry", pages.ask)
    app.router.add_post(base + "/entry", pages.change)
    app.router.add_post(base + "/move", pages.move)


class _Mailboxes:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox, self._store = sandbox, sandbox.store

    # --- what is shown
    async def index(self, request: web.Request) -> web.Response:
        rows = [
            h(
                "li",
                h("a", h("strong", mailbox.name or mailbox.address), h("span", mailbox.address), href=_url(mailbox)),
                h("small", f"{self._store.count_items(mailbox)} entries · {mailbox.zone}"),
            )
            for mailbox in self._store.mailboxes()
        ]
        empty = h("p", "No mailboxes yet. Create one with POST ", h("code", "/control/mailboxes"), ".")
        severa = h("p", "Users of Severa have ", h("a", "pages of their own", href="/severa"), ".")
        listed = h("ul", rows, class_="mailboxes") if rows else empty
        body = h("main", h("h1", "Mailboxes"), listed, severa, class_="index")
        return page("Mailboxes · Sandbox", _bar("Sandbox Exchange", None), body)

    def _mailbox(self, request: web.Request) -> Mailbox:
        mailbox = self._store.mailbox(request.match_info["address"])
        if mailbox is None:
            raise web.HTTPNotFound(text="No mailbox has that address. See / for all of them.")
        return mailbox

    def _today(self, mailbox: Mailbox) -> date:
        return zones.to_local(self._store.clock.now(), mailbox.zone).date()

    def _asked(self, request: web.Request, mailbox: Mailbox) -> tuple[View, date]:
        view: View = "month" if request.query.get("view") == "month" else "week"
        return view, sent.day(request, self._today(mailbox))

    async def show(self, request: web.Request) -> web.Response:
        mailbox = self._mailbox(request)
        view, day = self._asked(request, mailbox)
        today = self._today(mailbox)
        days = days_of(view, day)
        step = timedelta(days=7) if view == "week" else None
        before = day - step if step else (day.replace(day=1) - timedelta(days=1)).replace(day=1)
        after = day + step if step else (day.replace(day=1) + timedelta(days=31)).replace(day=1)
        title = f"{day:%B %Y}" if view == "month" else f"{days[0]:%d %b} – {days[-1]:%d %b %Y}"
        tools = h(
            "nav",
            h("a", "New event", href=f"{_url(mailbox)}/new?{_query(view, day)}", class_="button main", data_key="n"),
            h("a", "Today", href=f"?{_query(view, today)}", class_="button", data_key="t"),
            h("a", "‹", href=f"?{_query(view, before)}", class_="button", aria_label="Earlier", data_key="ArrowLeft"),
            h("a", "›", href=f"?{_query(view, after)}", class_="button", aria_label="Later", data_key="ArrowRight"),
            h("h1", title),
            _switch("Week", "week", view, day, "w"),
            _switch("Month", "month", view, day, "m"),
            class_="tools",
            aria_label="Calendar",
        )
        shown = grid(self._store, mailbox, view, day, today)
        state = self._state(mailbox)
        address = {"data_address": _url(mailbox), "data_query": _query(view, day), "data_state": state}
        dialog = h("dialog", id="dialog", aria_label="Event")
        live = h("p", "", id="live", role="status", class_="visually-hidden")
        hint = h("p", "n new · t today · ← → · w week · m month · Enter opens · drag moves", class_="hint")
        body = h("main", tools, shown, hint, dialog, live, id="calendar", class_="calendar", **address)
        return page(f"{mailbox.name or mailbox.address} · {title}", _bar(mailbox.name, mailbox), body)

    async def grid(self, request: web.Request) -> web.Response:
        mailbox = self._mailbox(request)
        return fragment(grid(self._store, mailbox, *self._asked(request, mailbox), self._today(mailbox)))

    async def state(self, request: web.Request) -> web.Response:
        """A mark that changes with the calendar: what the page polls."""
        return web.json_response({"state": self._state(self._mailbox(request))}, headers={"Cache-Control": "no-store"})

    def _state(self, mailbox: Mailbox) -> str:
        return f"{self._store.last_change(mailbox)}/{self._today(mailbox)}"

    # --- what a person does
    async def ask_new(self, request: web.Request) -> web.Response:
        mailbox = self._mailbox(request)
        return self._form(request, mailbox, self._blank(request, mailbox), is_new=True)

    def _blank(self, request: web.Request, mailbox: Mailbox) -> form.Values:
        _, day = self._asked(request, mailbox)
        return form.new(datetime.combine(day, time.fromisoformat(request.query.get("time", "09:00"))))

    async def create(self, request: web.Request) -> web.Response:
        mailbox, given = self._mailbox(request), await sent.fields(request)
        try:
            item = entries.create(self._store, mailbox, form.changes(given, None, mailbox))
        except ValueError as error:
            blank = self._blank(request, mailbox)
            return self._form(request, mailbox, blank, is_new=True, error=str(error))
        return _done(request, mailbox, zones.to_local(item.start, mailbox.zone).date())

    async def ask(self, request: web.Request) -> web.Response:
        mailbox = self._mailbox(request)
        item, occurrence = self._entry(request.query, mailbox)
        return self._form(request, mailbox, self._values(mailbox, item, occurrence), is_new=False)

    async def change(self, request: web.Request) -> web.Response:
        mailbox, given = self._mailbox(request), await sent.fields(request)
        item, occurrence = self._entry(request.query, mailbox)
        values = self._values(mailbox, item, occurrence)
        try:
            if given.get("action") == "delete":
                self._delete(item, occurrence)
            else:
                entries.change(self._store, item, form.changes(given, values, mailbox), occurrence)
        except ValueError as error:
            return self._form(request, mailbox, values, is_new=False, error=str(error))
        return _done(request, mailbox, values.start.date())

    async def move(self, request: web.Request) -> web.Response:
        """An entry dragged to another place; of a series, that date alone."""
        mailbox, given = self._mailbox(request), await sent.fields(request)
        item, occurrence = self._entry(given, mailbox)
        start = datetime.fromisoformat(given["start"])
        end = start + timedelta(minutes=int(given["minutes"]))
        fields: dict[str, Any] = {"start": str(start.date()), "end": str(end.date())}
        if "whole" not in given:
            fields = {n: zones.to_utc(m, mailbox.zone).isoformat() for n, m in (("start", start), ("end", end))}
        try:
            entries.change(self._store, item, EntryFields(**fields), occurrence)
        except ValueError as error:
            return web.Response(status=422, text=str(error))
        return web.Response(status=204)

    def _entry(self, named: Any, mailbox: Mailbox) -> tuple[Item, date | None]:
        item = self._store.item(str(named.get("id", "")))
        if item is None or item.mailbox != mailbox.id:
            raise web.HTTPNotFound(text="That entry is not in this mailbox any more.")
        given = named.get("occurrence")
        return item, date.fromisoformat(str(given)) if given else None

    def _values(self, mailbox: Mailbox, item: Item, occurrence: date | None) -> form.Values:
        if occurrence is None:
            return form.of_item(item, mailbox)
        place = recurrence.series_of(item).occurrence(occurrence)
        if place is None:
            raise web.HTTPNotFound(text="The series has no such date any more.")
        whole = merged(item, item.exceptions.get(occurrence), place.start, place.end)
        return form.of_item(whole, mailbox, is_date_of_series=True)

    def _delete(self, item: Item, occurrence: date | None) -> None:
        if occurrence is None:
            calendar.delete(self._store, item, to=DELETED)
        else:
            calendar.cancel_occurrence(self._store, item, occurrence)

    def _form(
        self, request: web.Request, mailbox: Mailbox, values: form.Values, *, is_new: bool, error: str = ""
    ) -> web.Response:
        query = dict(request.query)
        whole = ""
        if query.pop("occurrence", None):
            whole = f"{_url(mailbox)}/entry?{urlencode(query)}"
        made = form.markup(values, str(request.rel_url), is_new=is_new, whole_url=whole, error=error)
        status = 422 if error else 200
        if "X-Fragment" in request.headers:
            return fragment(made, status)
        return page("Event", _bar(mailbox.name, mailbox), h("main", made, class_="single"), status=status)


def _done(request: web.Request, mailbox: Mailbox, day: date) -> web.Response:
    if "X-Fragment" in request.headers:
        return web.Response(status=204)
    raise web.HTTPSeeOther(f"{_url(mailbox)}?{_query('week', day)}")


def _url(mailbox: Mailbox) -> str:
    return f"/mailboxes/{mailbox.address}"


def _query(view: View, day: date) -> str:
    return urlencode({"view": view, "date": str(day)})


def _switch(label: str, view: View, current: View, day: date, key: str) -> Markup:
    chosen = "page" if view == current else None
    return h("a", label, href=f"?{_query(view, day)}", class_="button", aria_current=chosen, data_key=key)


def _bar(name: str, mailbox: Mailbox | None) -> Markup:
    where = h("a", "Mailboxes", href="/") if mailbox else None
    who = h("span", mailbox.address, h("small", mailbox.zone), class_="who") if mailbox else None
    return h("header", h("span", class_="logo", aria_hidden="true"), h("strong", name or "Mailbox"), where, who)
