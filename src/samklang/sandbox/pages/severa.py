"""Severa's own pages, as far as a person needs them here: a user's week, and the form of an activity."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from samklang.sandbox import zones
from samklang.sandbox.context import Sandbox
from samklang.sandbox.pages import sent
from samklang.sandbox.pages import severa_form as form
from samklang.sandbox.pages.markup import Markup, h, page
from samklang.sandbox.severa import people
from samklang.sandbox.severa.call import NotFoundError, SeveraError
from samklang.sandbox.severa.model import ActivityType, User
from samklang.sandbox.severa.people import NewParticipant
from samklang.sandbox.severa.service import Severa, Target

_WEEK = timedelta(days=7)
_REFUSALS = (ValueError, SeveraError)


def add_routes(app: web.Application, sandbox: Sandbox) -> None:
    pages = _Pages(Severa(sandbox.store))
    user = "/severa/users/{user}"
    app.router.add_get("/severa", pages.index)
    app.router.add_get(user, pages.week)
    app.router.add_get(user + "/new", pages.ask_new)
    app.router.add_post(user + "/new", pages.create)
    app.router.add_get(user + "/activities/{guid}", pages.ask)
    app.router.add_post(user + "/activities/{guid}", pages.change)
    app.router.add_post(user + "/activities/{guid}/people", pages.change_people)


class _Pages:
    def __init__(self, severa: Severa) -> None:
        self._severa, self._records = severa, severa.records

    async def index(self, request: web.Request) -> web.Response:
        rows = [
            h("li", h("a", h("strong", user.name), h("span", user.address), href=_url(user)), h("small", user.zone))
            for organization in self._records.organizations()
            for user in self._records.all(User, organization.key)
        ]
        empty = h("p", "No users yet. Make one with POST ", h("code", "/control/severa/organizations/{key}/users"), ".")
        body = h("main", h("h1", "Users"), h("ul", rows, class_="mailboxes") if rows else empty, class_="index")
        return page("Severa · Sandbox", _bar(None), body)

    def _user(self, request: web.Request) -> User:
        user = self._records.get(User, request.match_info["user"])
        if user is None:
            raise web.HTTPNotFound(text="There is no such user. See /severa for all of them.")
        return user

    def _target(self, request: web.Request, user: User) -> Target:
        try:
            return self._severa.target(request.match_info["guid"], user.organization)
        except NotFoundError as error:
            raise web.HTTPNotFound(text="That activity is not there any more.") from error

    # --- what is shown
    async def week(self, request: web.Request) -> web.Response:
        user = self._user(request)
        monday = self._day(request, user)
        monday -= timedelta(days=monday.weekday())
        start, end = (zones.to_utc(datetime.combine(day, time.min), user.zone) for day in (monday, monday + _WEEK))
        rows = [self._row(user, each) for each in people.expanded(self._severa, user, start, end)]
        tools = h(
            "nav",
            h("a", "New activity", href=f"{_url(user)}/new?{_query(monday)}", class_="button main"),
            h("a", "‹", href=f"?{_query(monday - _WEEK)}", class_="button", aria_label="Earlier"),
            h("a", "›", href=f"?{_query(monday + _WEEK)}", class_="button", aria_label="Later"),
            h("h1", f"{monday:%d %b} - {monday + _WEEK - timedelta(days=1):%d %b %Y}"),
            class_="tools",
            aria_label="Calendar",
        )
        listed = h("ul", rows, class_="mailboxes") if rows else h("p", "Nothing this week.")
        return page(f"{user.name} · Severa", _bar(user), h("main", tools, listed, class_="index"))

    def _row(self, user: User, target: Target) -> Markup:
        shown = people.described(self._severa, target)
        start, end = (zones.to_local(moment, user.zone) for moment in (target.start, target.end))
        when = f"{start:%a %d %b}" if shown["all_day"] else f"{start:%a %d %b %H:%M}-{end:%H:%M}"
        link = h("a", h("strong", shown["name"]), h("span", when), href=f"{_url(user)}/activities/{target.guid}")
        marks = [shown["type"] or ""] + ["repeats"] * (shown["kind"] != "None") + ["closed"] * shown["closed"]
        return h("li", link, h("small", " · ".join(marks)), data_guid=target.guid)

    async def ask_new(self, request: web.Request) -> web.Response:
        user = self._user(request)
        return self._form(user, form.blank(self._day(request, user), user.zone), f"{_url(user)}/new")

    async def ask(self, request: web.Request) -> web.Response:
        user = self._user(request)
        target = self._target(request, user)
        return self._form(user, people.described(self._severa, target), f"{_url(user)}/activities/{target.guid}")

    def _form(self, user: User, shown: dict[str, Any], action: str, error: str = "") -> web.Response:
        types = sorted(each.name for each in self._records.all(ActivityType, user.organization) if each.active)
        is_new = "guid" not in shown
        series = shown.get("series")
        whole = h("p", "One date. ", h("a", "Open the series", href=f"{_url(user)}/activities/{series}"))
        body = h(
            "main",
            whole if series else None,
            form.markup(shown, types, action, is_new=is_new, error=error),
            None if is_new else form.people(shown, user.guid, f"{action}/people"),
            h("p", h("a", "Back", href=f"{_url(user)}?{_query(datetime.fromisoformat(shown['start']).date())}")),
            class_="single",
        )
        return page("Activity · Severa", _bar(user), body, status=422 if error else 200)

    # --- what a person does
    async def create(self, request: web.Request) -> web.Response:
        user, given = self._user(request), await sent.fields(request)
        shown = form.blank(self._day(request, user), user.zone)
        try:
            made = people.create(self._severa, user, form.changes(given, shown))
        except _REFUSALS as error:
            return self._form(user, shown, f"{_url(user)}/new", str(error))
        raise web.HTTPSeeOther(f"{_url(user)}?{_query(made.start.date())}")

    async def change(self, request: web.Request) -> web.Response:
        user, given = self._user(request), await sent.fields(request)
        target = self._target(request, user)
        shown = people.described(self._severa, target)
        try:
            if given.get("action") == "delete":
                people.delete(self._severa, user, target)
            else:
                people.change(self._severa, user, target, form.changes(given, shown))
        except _REFUSALS as error:
            return self._form(user, shown, str(request.rel_url), str(error))
        raise web.HTTPSeeOther(f"{_url(user)}?{_query(target.start.date())}")

    async def change_people(self, request: web.Request) -> web.Response:
        user, given = self._user(request), await sent.fields(request)
        target = self._target(request, user)
        try:
            if "add" in given:
                people.add_participant(self._severa, user, target, NewParticipant(who=given["add"]))
            elif "remove" in given:
                people.remove_participant(self._severa, user, target, given["remove"])
            else:
                people.answer(self._severa, user, target, given["answer"])  # type: ignore[arg-type]  # a button's value
        except _REFUSALS as error:
            shown = people.described(self._severa, target)
            return self._form(user, shown, f"{_url(user)}/activities/{target.guid}", str(error))
        raise web.HTTPSeeOther(f"{_url(user)}/activities/{target.guid}")

    def _day(self, request: web.Request, user: User) -> date:
        return sent.day(request, zones.to_local(self._severa.store.clock.now(), user.zone).date())


def _url(user: User) -> str:
    return f"/severa/users/{user.guid}"


def _query(day: date) -> str:
    return urlencode({"date": str(day)})


def _bar(user: User | None) -> Markup:
    who = h("span", user.address or user.name, h("small", user.zone), class_="who") if user else None
    logo = h("span", class_="logo", aria_hidden="true")
    return h("header", logo, h("strong", "Severa"), h("a", "Users", href="/severa"), who)
