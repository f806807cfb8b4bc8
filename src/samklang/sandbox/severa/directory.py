"""Severa's routes of what changes seldom: types, users, contacts, time zones, statuses, the organization."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import TypeVar

from samklang.sandbox.severa import paging, timezones
from samklang.sandbox.severa.call import Answer, Call, NotFoundError
from samklang.sandbox.severa.model import ActivityType, Category, Contact, Record, User
from samklang.sandbox.severa.service import Severa
from samklang.sandbox.severa.timezones import timezone
from samklang.sandbox.severa.wire import Wire

Parts = Mapping[str, str]
R = TypeVar("R", bound=Record)
_STATUSES = ("Not started", "In progress", "In review", "Done")


def activity_types(severa: Severa, call: Call, parts: Parts) -> Answer:
    categories, active = call.choices("category", Category), call.flag("active")
    found = [
        each
        for each in _listed(severa, call, ActivityType)
        if (not categories or each.category in categories) and active in (None, each.active)
    ]
    rows, headers = paging.page(call, found)
    wire = Wire(severa)
    return Answer(200, [wire.activity_type(each) for each in rows], headers)


def activity_type(severa: Severa, call: Call, parts: Parts) -> Answer:
    return Answer(200, Wire(severa).activity_type(_one(severa, call, ActivityType, parts)))


def users(severa: Severa, call: Call, parts: Parts) -> Answer:
    """`email` finds whoever's address contains it: clients had to look again (Severa facts §1.10). Any `purpose`
    leaves the active ones."""
    email, code = (call.text("email") or "").casefold(), call.text("code")
    active = True if call.text("purpose") else call.flag("isActive")
    units, bosses = call.guids("businessUnitGuids"), call.guids("supervisorUserGuids")
    keywords = call.guids("keywordGuids")
    found = [
        each
        for each in _listed(severa, call, User)
        if email in each.address.casefold()
        and code in (None, each.code)
        and active in (None, each.active)
        and (not units or each.business_unit in units)
        and (not bosses or each.supervisor in bosses)
        and (not keywords or keywords & {keyword.lower() for keyword in each.keywords})
    ]
    rows, headers = paging.page(call, found)
    wire = Wire(severa)
    return Answer(200, [wire.user(each) for each in rows], headers)


def user(severa: Severa, call: Call, parts: Parts) -> Answer:
    return Answer(200, Wire(severa).user(_one(severa, call, User, parts)))


def contacts(severa: Severa, call: Call, parts: Parts) -> Answer:
    """`textToSearch` is looked for in names, addresses and numbers."""
    text, active = (call.text("textToSearch") or "").casefold(), call.flag("active")
    found = [
        each
        for each in _listed(severa, call, Contact)
        if active in (None, each.active)
        and any(text in searched.casefold() for searched in (each.name, *each.emails, *each.phones))
    ]
    wire = Wire(severa)
    return Answer(200, [wire.contact(each) for each in paging.rows_from(call, found)])


def contact(severa: Severa, call: Call, parts: Parts) -> Answer:
    return Answer(200, Wire(severa).contact(_one(severa, call, Contact, parts)))


def time_zones(severa: Severa, call: Call, parts: Parts) -> Answer:
    return Answer(200, timezones.every())


def time_zone(severa: Severa, call: Call, parts: Parts) -> Answer:
    for each in timezones.every():
        if each["guid"] == parts["guid"].lower():
            return Answer(200, each)
    raise NotFoundError


def task_statuses(severa: Severa, call: Call, parts: Parts) -> Answer:
    organization = call.organization
    assert organization is not None
    wire, made = Wire(severa), severa.store.clock.now()
    shown = [
        {
            "guid": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{organization.key}/{name}")),
            "name": name,
            "isActive": True,
            "isDefault": place == 0,
            "isDone": name == "Done",
            "sortOrder": place,
            "createdDateTime": wire.moment(made, "UTC"),
        }
        for place, name in enumerate(_STATUSES)
    ]
    return Answer(200, shown)


def organization(severa: Severa, call: Call, parts: Parts) -> Answer:
    found = call.organization
    assert found is not None
    zone = timezone(found.zone)
    return Answer(
        200,
        {
            "guid": str(uuid.uuid5(uuid.NAMESPACE_OID, found.key)),
            "name": found.name or found.key,
            "language": {"guid": None, "code": found.language, "name": found.language},
            "timezone": {"guid": zone["guid"], "name": zone["name"]},
            "activeCompanies": [],
            "activeAddons": found.addons,
        },
    )


def _listed(severa: Severa, call: Call, type: type[R]) -> list[R]:
    """Those of the organization behind the page token, changed since then."""
    since, after = call.moment("changedSince"), paging.after(call)
    return [
        each
        for each in severa.records.all(type, call.org)
        if each.guid > after and (since is None or each.updated >= since)
    ]


def _one(severa: Severa, call: Call, type: type[R], parts: Parts) -> R:
    found = severa.records.get(type, parts["guid"], call.org)
    if found is None:
        raise NotFoundError
    return found
