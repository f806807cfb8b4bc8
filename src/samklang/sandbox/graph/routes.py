"""Which path leads to which operation, the permission it takes, and the schemas of both ways."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from samklang.sandbox.graph import delta, directory, events, subscriptions, views
from samklang.sandbox.graph.call import Answer, Call
from samklang.sandbox.graph.service import Service

Handler = Callable[[Service, Call, Mapping[str, str]], Answer | Awaitable[Answer]]

_USER = r"/users/(?P<user>[^/]+)"
_CALENDAR = _USER + r"(?:/calendar|/calendars/(?P<calendar>[^/]+))?"
_EVENTS = _CALENDAR + r"/events"
_EVENT = _EVENTS + r"/(?P<event>[^/()]+)"
_WRITE = ("Calendars.ReadWrite",)
_READ = ("Calendars.ReadWrite", "Calendars.Read")
_PEOPLE = ("User.Read.All", "Directory.Read.All", "User.ReadWrite.All")
_ORGANIZATION = (*_PEOPLE, "Organization.Read.All")
_SETTINGS = ("MailboxSettings.Read", "MailboxSettings.ReadWrite")


class Route(NamedTuple):
    """`roles`: one of these application permissions is needed. `asks` and `answers`: names of schemas."""

    method: str
    pattern: re.Pattern[str]
    operation: str
    handler: Handler
    roles: tuple[str, ...]
    asks: str = ""
    answers: str = ""

    @property
    def is_action(self) -> bool:
        return self.operation in ("events.respond", "events.cancel")


def _route(
    method: str,
    path: str,
    operation: str,
    handler: Handler,
    roles: tuple[str, ...],
    asks: str = "",
    answers: str = "",
) -> Route:
    return Route(method, re.compile(path + r"/?", re.IGNORECASE), operation, handler, roles, asks, answers)


_SINGLE = "microsoft.graph.event"
_SUBSCRIPTION, _SUBSCRIBED = "/subscriptions/(?P<subscription>[^/]+)", "microsoft.graph.subscription"
ROUTES = (
    _route(
        "GET", "/subscriptions", "subscriptions.list", subscriptions.list_, _READ, answers="collection.subscription"
    ),
    _route(
        "POST",
        "/subscriptions",
        "subscriptions.create",
        subscriptions.create,
        _READ,
        "request.subscription.create",
        _SUBSCRIBED,
    ),
    _route("GET", _SUBSCRIPTION, "subscriptions.get", subscriptions.get, _READ, answers=_SUBSCRIBED),
    _route(
        "PATCH",
        _SUBSCRIPTION,
        "subscriptions.renew",
        subscriptions.renew,
        _READ,
        "request.subscription.update",
        _SUBSCRIBED,
    ),
    _route("POST", _SUBSCRIPTION + "/reauthorize", "subscriptions.reauthorize", subscriptions.reauthorize, _READ),
    _route("DELETE", _SUBSCRIPTION, "subscriptions.delete", subscriptions.delete, _READ),
    _route("GET", "/users", "users.list", directory.users, _PEOPLE, answers="collection.user"),
    _route("GET", _USER, "users.get", directory.user, _PEOPLE, answers="microsoft.graph.user"),
    _route(
        "GET",
        "/organization",
        "organization.list",
        directory.organization,
        _ORGANIZATION,
        answers="collection.organization",
    ),
    _route(
        "GET",
        _USER + "/mailboxSettings",
        "mailboxSettings.get",
        directory.mailbox_settings,
        _SETTINGS,
        answers="microsoft.graph.mailboxSettings",
    ),
    _route(
        "GET",
        _USER + r"/outlook/supportedTimeZones(?:\((?P<standard>.*)\))?",
        "supportedTimeZones.list",
        directory.supported_zones,
        _PEOPLE,
        answers="collection.timeZoneInformation",
    ),
    _route("GET", _USER + "/calendars", "calendars.list", directory.calendars, _READ, answers="collection.calendar"),
    _route(
        "POST",
        _USER + "/calendars",
        "calendars.create",
        directory.create_calendar,
        _WRITE,
        "request.calendar.create",
        "microsoft.graph.calendar",
    ),
    _route(
        "GET",
        _USER + "/(?:calendar|calendars/(?P<calendar>[^/]+))",
        "calendars.get",
        directory.calendar,
        _READ,
        answers="microsoft.graph.calendar",
    ),
    _route("GET", _CALENDAR + "/calendarView", "calendarView", views.calendar_view, _READ, answers="collection.event"),
    _route(
        "GET",
        _CALENDAR + r"/calendarView/(?:microsoft\.graph\.)?delta(?:\(\))?",
        "calendarView.delta",
        delta.round_,
        _READ,
        answers="collection.event.delta",
    ),
    _route("GET", _EVENTS, "events.list", views.events, _READ, answers="collection.event"),
    _route(
        "GET",
        _EVENTS + r"/(?:microsoft\.graph\.)?delta(?:\(\))?",
        "events.delta",
        delta.events_round,
        _READ,
        answers="collection.event.delta",
    ),
    _route("POST", _EVENTS, "events.create", events.create, _WRITE, "request.event.create", _SINGLE),
    _route("GET", _EVENT, "events.get", events.get, _READ, answers=_SINGLE),
    _route("PATCH", _EVENT, "events.update", events.update, _WRITE, "request.event.update", _SINGLE),
    _route("DELETE", _EVENT, "events.delete", events.delete, _WRITE),
    _route("GET", _EVENT + "/instances", "events.instances", views.instances, _READ, answers="collection.event"),
    _route(
        "POST",
        _EVENT + "/(?P<action>accept|tentativelyAccept|decline)",
        "events.respond",
        events.respond,
        _WRITE,
        "request.event.respond",
    ),
    _route("POST", _EVENT + "/cancel", "events.cancel", events.cancel, _WRITE, "request.event.cancel"),
)


def match(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The operation of a path, and the parts of it. None: there is no such resource."""
    for route in ROUTES:
        found = route.pattern.fullmatch(path) if route.method == method else None
        if found is not None:
            return route, {name: value for name, value in found.groupdict().items() if value}
    return None
