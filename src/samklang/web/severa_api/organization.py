"""The organization: its details, which an administrator may change in part, and its settings (Severa facts §1.11)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from ninja import Router

from samklang.accounts.models import Organization
from samklang.accounts.services import AccountError, change_organization
from samklang.web.severa_api import shape
from samklang.web.severa_api.bodies import replaced
from samklang.web.severa_api.caller import Allowed, administrator, caller
from samklang.web.severa_api.problems import invalid

router = Router()
_READ = Allowed("organization:read")


@router.get("/organizationdetails", response=dict[str, Any], auth=_READ)
def organization_details(request: HttpRequest) -> Any:
    return shape.organization_json(caller(request).organization)


@router.patch("/organizationdetails", response=dict[str, Any], auth=Allowed("organization:write"))
def patch_organization_details(request: HttpRequest) -> Any:
    """Name, language and timezone, the two by their guid; by an administrator, if a person asks."""
    who = administrator(request, "the organization")
    changes = _changes(replaced(request))
    try:
        changed: Organization = change_organization(who.organization, by=who.person, **changes)
    except AccountError as error:
        raise invalid(400, str(error), "RequestBody") from None
    return shape.organization_json(changed)


@router.get("/organizationsettings", response=dict[str, Any], auth=_READ)
def organization_settings(request: HttpRequest) -> Any:
    """Of these nothing is kept here; the document demands the days of the working week."""
    return {"workWeek": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"]}


def _changes(body: Mapping[str, Any]) -> dict[str, str]:
    changes: dict[str, str] = {}
    for field, value in body.items():
        match field:
            case "name" if isinstance(value, str):
                changes["name"] = value
            case "language":
                known = {shape.language_json(code)["guid"]: code for code, _name in settings.LANGUAGES}
                changes["language"] = _named(known, value, field)
            case "timezone":
                changes["zone"] = _named({shape.zone_guid(name): name for name in shape.zones()}, value, field)
            case _:
                raise invalid(400, f"{field} cannot be changed so", "RequestBody", field)
    return changes


def _named(known: Mapping[str, str], value: Any, field: str) -> str:
    """What the guid in `value` stands for."""
    guid = value.get("guid") if isinstance(value, Mapping) else None
    found = known.get(guid.lower()) if isinstance(guid, str) else None
    if found is None:
        raise invalid(400, f"{field}.guid names none there is", "RequestBody", field)
    return found
