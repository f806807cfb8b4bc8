"""The control API's part about Severa: its organizations, and what people do in Severa's own pages."""

from __future__ import annotations

import uuid
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from samklang.sandbox import zones
from samklang.sandbox.control_answers import Operation, Problem, answer, fields_of, read
from samklang.sandbox.severa.control_forms import SetContact, SetType, SetUser
from samklang.sandbox.severa.model import ActivityType, Contact, Named, Organization, Record, User
from samklang.sandbox.severa.service import Severa
from samklang.sandbox.severa.settings import SeveraSettings
from samklang.sandbox.store import Store

R = TypeVar("R", bound=Record)

OPERATIONS = (
    Operation("GET", "/severa", "show_settings", "How Severa behaves"),
    Operation("PUT", "/severa", "set_settings", "Set how Severa behaves; the rest is the default", SeveraSettings),
    Operation("PUT", "/severa/organizations", "set_organization", "Set an organization and its clients", Organization),
    Operation("GET", "/severa/organizations", "list_organizations", "All organizations of Severa"),
    Operation("POST", "/severa/organizations/{key}/users", "create_user", "Make a user", SetUser, status=201),
    Operation("GET", "/severa/organizations/{key}/users", "list_users", "An organization's users"),
    Operation("PATCH", "/severa/users/{guid}", "change_user", "Change or inactivate a user", SetUser),
    Operation("POST", "/severa/organizations/{key}/types", "create_type", "Make an activity type", SetType, status=201),
    Operation("GET", "/severa/organizations/{key}/types", "list_types", "An organization's activity types"),
    Operation("PATCH", "/severa/types/{guid}", "change_type", "Change or disable an activity type", SetType),
    Operation("POST", "/severa/organizations/{key}/contacts", "create_contact", "Make a contact", SetContact, {}, 201),
    Operation("GET", "/severa/organizations/{key}/contacts", "list_contacts", "An organization's contacts"),
    Operation("PATCH", "/severa/contacts/{guid}", "change_contact", "Change a contact", SetContact),
)


class Control:
    """One method per operation."""

    def __init__(self, store: Store) -> None:
        self._severa = Severa(store)
        self._records = self._severa.records

    def _organization(self, request: web.Request) -> Organization:
        found = self._records.organization(request.match_info["key"])
        if found is None:
            raise Problem(404, "There is no such organization; make it with PUT /control/severa/organizations.")
        return found

    def _record(self, request: web.Request, type: type[R]) -> R:
        found = self._records.get(type, request.match_info["guid"])
        if found is None:
            raise Problem(404, f"There is no {type.__name__} with that guid.")
        return found

    def _stamps(self, organization: Organization) -> dict[str, Any]:
        now = self._severa.store.clock.now()
        return {"guid": str(uuid.uuid4()), "organization": organization.key, "created": now, "updated": now}

    # --- how it behaves
    async def show_settings(self, request: web.Request) -> web.Response:
        return answer(self._severa.settings)

    async def set_settings(self, request: web.Request) -> web.Response:
        given = await read(request, SeveraSettings)
        self._severa.store.put("settings", "severa", given)
        return answer(given)

    # --- organizations
    async def set_organization(self, request: web.Request) -> web.Response:
        given = await read(request, Organization)
        given.zone = zones.iana_name(given.zone)
        self._records.save_organization(given)
        return answer(given)

    async def list_organizations(self, request: web.Request) -> web.Response:
        return answer(self._records.organizations())

    # --- users
    async def create_user(self, request: web.Request) -> web.Response:
        organization, given = self._organization(request), await read(request, SetUser)
        fields = {"first_name": "Anna", "last_name": "A", "email": None, "zone": organization.zone}
        user = msgspec.convert(fields | self._user_fields(organization.key, given) | self._stamps(organization), User)
        self._records.save(user)
        return answer(user, 201)

    async def list_users(self, request: web.Request) -> web.Response:
        return answer(self._records.all(User, self._organization(request).key))

    async def change_user(self, request: web.Request) -> web.Response:
        user, given = self._record(request, User), await read(request, SetUser)
        return answer(self._changed(user, self._user_fields(user.organization, given)))

    def _user_fields(self, organization: str, given: SetUser) -> dict[str, Any]:
        fields = fields_of(given)
        if "zone" in fields:
            fields["zone"] = zones.iana_name(fields["zone"])
        if fields.get("default_type"):
            fields["default_type"] = self._severa.type_named(organization, fields["default_type"]).guid
        return fields

    # --- types
    async def create_type(self, request: web.Request) -> web.Response:
        organization, given = self._organization(request), await read(request, SetType)
        made = msgspec.convert(
            {"category": "CalendarEntry"} | fields_of(given) | self._stamps(organization), ActivityType
        )
        self._records.save(made)
        return answer(self._one_default(made), 201)

    async def list_types(self, request: web.Request) -> web.Response:
        return answer(self._records.all(ActivityType, self._organization(request).key))

    async def change_type(self, request: web.Request) -> web.Response:
        changed, given = self._record(request, ActivityType), await read(request, SetType)
        if given.category not in (msgspec.UNSET, changed.category):
            raise Problem(422, "A type belongs to one group for good.")
        return answer(self._one_default(self._changed(changed, fields_of(given))))

    def _one_default(self, chosen: ActivityType) -> ActivityType:
        """One type is the default of a group."""
        for other in self._records.all(ActivityType, chosen.organization):
            if chosen.default and other.default and other.category == chosen.category and other.guid != chosen.guid:
                self._changed(other, {"default": False})
        return chosen

    # --- contacts
    async def create_contact(self, request: web.Request) -> web.Response:
        organization, given = self._organization(request), await read(request, SetContact)
        fields = {"first_name": "Carl", "last_name": "C", "customer": "A customer"} | fields_of(given)
        fields["customer"] = self._customer(organization.key, fields["customer"])
        contact = msgspec.convert(fields | self._stamps(organization), Contact)
        self._records.save(contact)
        return answer(contact, 201)

    async def list_contacts(self, request: web.Request) -> web.Response:
        return answer(self._records.all(Contact, self._organization(request).key))

    async def change_contact(self, request: web.Request) -> web.Response:
        contact, fields = self._record(request, Contact), fields_of(await read(request, SetContact))
        if "customer" in fields:
            fields["customer"] = self._customer(contact.organization, fields["customer"])
        return answer(self._changed(contact, fields))

    def _customer(self, organization: str, name: str) -> Named:
        return Named(guid=str(uuid.uuid5(uuid.NAMESPACE_OID, f"{organization}/{name}")), name=name)

    def _changed(self, record: R, fields: dict[str, Any]) -> R:
        for name, value in fields.items():
            setattr(record, name, value)
        record.updated = self._severa.store.clock.now()
        self._records.save(record)
        return record
