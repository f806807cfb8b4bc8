"""What activities refer to: types, users, time zones (Severa facts §1.6, §1.9, §1.10); and the heartbeat."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.db import connection
from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Status

from samklang.accounts.models import User
from samklang.accounts.programs import Actor
from samklang.activities.models import ActivityType
from samklang.activities.types import add_type, change_type, remove_type
from samklang.engine.model import Category
from samklang.web.severa_api import meaning, shape
from samklang.web.severa_api.bodies import body_of, replaced
from samklang.web.severa_api.caller import Allowed, administrator, caller
from samklang.web.severa_api.paging import Page, of_rows
from samklang.web.severa_api.problems import invalid

router = Router()
#: Outside the version (Severa facts §1.2).
heartbeat = Router()
_SETTINGS, _USERS = Allowed("settings:read"), Allowed("users:read")


class Types(Page):
    active: bool | None = None
    changedSince: datetime | None = None  # noqa: N815
    category: list[Category] = Field(default_factory=list)


@router.get("/activitytypes", response=list[dict[str, Any]], auth=_SETTINGS)
def list_types(request: HttpRequest, response: HttpResponse, filters: Query[Types]) -> Any:
    who = caller(request)
    types = ActivityType.objects.of(who.organization)
    if filters.active is not None:
        types = types.filter(is_active=filters.active)
    if filters.changedSince:
        types = types.filter(changed__gte=shape.instant(filters.changedSince, who, "changedSince"))
    if filters.category:
        types = types.filter(category__in=filters.category)
    return [shape.type_json(one) for one in of_rows(response, types, filters)]


@router.get("/activitytypes/{guid}", response=dict[str, Any], auth=_SETTINGS)
def get_type(request: HttpRequest, guid: str) -> Any:
    return shape.type_json(_type(caller(request), guid))


@router.post("/activitytypes", response={201: dict[str, Any]}, auth=Allowed("settings:write"))
def create_type(request: HttpRequest) -> Any:
    who = administrator(request, "activity types")
    name, category, more = meaning.new_type(body_of(request, dict))
    made = add_type(who.organization, name, category, by=who.person)
    if more:
        change_type(made, by=who.person, **more)
    return Status(201, shape.type_json(_type(who, str(made.guid))))


@router.patch("/activitytypes/{guid}", response=list[dict[str, Any]], auth=Allowed("settings:write"))
def patch_type(request: HttpRequest, guid: str) -> Any:
    """Name, code, isActive and isDefault; by an administrator, if a person asks."""
    who = administrator(request, "activity types")
    change_type(_type(who, guid), by=who.person, **meaning.type_changes(replaced(request)))
    return [shape.type_json(_type(who, guid))]


@router.delete("/activitytypes/{guid}", response={204: None}, auth=Allowed("settings:delete"))
def delete_type(request: HttpRequest, guid: str, moveUsagesToGuid: str | None = None) -> Any:  # noqa: N803
    """One that activities have wants another that takes its place, of the same category."""
    who = administrator(request, "activity types")
    heir = _type(who, moveUsagesToGuid, "UriParameter", "moveUsagesToGuid") if moveUsagesToGuid else None
    remove_type(_type(who, guid), heir, by=who.person)
    return Status(204, None)


class Users(Page):
    isActive: bool | None = None  # noqa: N815
    email: str = ""
    code: str = ""
    changedSince: datetime | None = None  # noqa: N815
    businessUnitGuids: list[str] = Field(default_factory=list)  # noqa: N815
    keywordGuids: list[str] = Field(default_factory=list)  # noqa: N815
    supervisorUserGuids: list[str] = Field(default_factory=list)  # noqa: N815
    purpose: (
        Literal[
            "AbsenceOwner",
            "AccountOwner",
            "ActivityOwner",
            "ActivityParticipant",
            "BillingContact",
            "ProjectManager",
            "SalesPerson",
            "SuperiorUser",
            "TermsOfServiceApprover",
        ]
        | None
    ) = None


@router.get("/users", response=list[dict[str, Any]], auth=_USERS)
def list_users(request: HttpRequest, response: HttpResponse, filters: Query[Users]) -> Any:
    """Units, keywords, superiors and codes are not kept here: nobody is found by one. Whatever the purpose, who is
    active serves it."""
    who = caller(request)
    people = User.objects.of(who.organization)
    if filters.code or filters.businessUnitGuids or filters.keywordGuids or filters.supervisorUserGuids:
        people = people.none()
    if filters.isActive is not None:
        people = people.filter(is_active=filters.isActive)
    if filters.purpose is not None:
        people = people.active()
    if filters.email:
        people = people.with_address(filters.email)
    if filters.changedSince:
        people = people.filter(changed__gte=shape.instant(filters.changedSince, who, "changedSince"))
    types = _types_by_guid(who)
    return [shape.user_json(one, types) for one in of_rows(response, people, filters)]


@router.get("/users/{guid}", response=dict[str, Any], auth=_USERS)
def get_user(request: HttpRequest, guid: str) -> Any:
    who = caller(request)
    user = User.objects.of(who.organization).filter(guid=_uuid(guid, "PathParameter", "guid")).first()
    if user is None:
        raise invalid(404, "Resource not found", "PathParameter", "guid")
    return shape.user_json(user, _types_by_guid(who))


@router.get("/localization/timezones", response=list[dict[str, Any]], auth=_SETTINGS)
def list_zones(request: HttpRequest) -> Any:
    return [shape.zone_json(name) for name in shape.zones()]


@router.get("/localization/timezones/{guid}", response=dict[str, Any], auth=_SETTINGS)
def get_zone(request: HttpRequest, guid: str) -> Any:
    for name in shape.zones():
        if shape.zone_guid(name) == guid.lower():
            return shape.zone_json(name)
    raise invalid(404, "Resource not found", "PathParameter", "guid")


@heartbeat.get("/authorized", response={204: None}, auth=Allowed())
def authorized(request: HttpRequest) -> Any:
    return Status(204, None)


@heartbeat.get("/server", response=str, auth=None)
def server(request: HttpRequest) -> Any:
    return "OK"


@heartbeat.get("/database", response=str, auth=None)
def database(request: HttpRequest) -> Any:
    connection.ensure_connection()
    return "OK"


def _types_by_guid(who: Actor) -> dict[str, ActivityType]:
    return {str(one.guid): one for one in ActivityType.objects.of(who.organization)}


def _type(who: Actor, guid: str, place: str = "PathParameter", name: str = "guid") -> ActivityType:
    found: ActivityType | None = ActivityType.objects.of(who.organization).filter(guid=_uuid(guid, place, name)).first()
    if found is None:
        raise invalid(404 if place == "PathParameter" else 400, "Resource not found", place, name)
    return found


def _uuid(guid: str, place: str, name: str) -> UUID:
    try:
        return UUID(guid)
    except ValueError:
        raise invalid(404 if place == "PathParameter" else 400, "Resource not found", place, name) from None
