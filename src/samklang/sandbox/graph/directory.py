"""Users, the organization, mailbox settings, calendars (Graph facts §2.1, §2.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from samklang.sandbox import zones
from samklang.sandbox.accounts import Tenant
from samklang.sandbox.graph import odata
from samklang.sandbox.graph.call import Answer, Call, GraphError, not_found
from samklang.sandbox.graph.service import Service
from samklang.sandbox.model import CALENDAR, Mailbox
from samklang.sandbox.store import Folder, Store

Params = Mapping[str, str]
_SHOWN = ("displayName", "givenName", "mail", "preferredLanguage", "surname", "userPrincipalName", "id")
_ADVANCED = ("proxyaddresses", "endswith")  # need ConsistencyLevel: eventual and $count=true


def tenant_mailboxes(store: Store, tenant: Tenant) -> list[Mailbox]:
    """A tenant's own: named for it, or, without a name, of one of its domains."""
    return [mailbox for mailbox in store.mailboxes() if _belongs(mailbox, tenant)]


def _belongs(mailbox: Mailbox, tenant: Tenant) -> bool:
    if mailbox.tenant:
        return mailbox.tenant.casefold() == tenant.id.casefold()
    return mailbox.address.rpartition("@")[2].casefold() in (domain.casefold() for domain in tenant.domains)


def find(store: Store, tenant: Tenant, user: str) -> Mailbox | None:
    """A user by object id or user principal name; an alias is neither (Graph facts §2.4)."""
    folded = user.casefold()
    for mailbox in (m for m in store.mailboxes() if _belongs(m, tenant)):
        if folded in (mailbox.object_id.casefold(), mailbox.principal.casefold()):
            return mailbox
    return None


def _user(mailbox: Mailbox) -> dict[str, Any]:
    name = mailbox.name or mailbox.address.partition("@")[0]
    given, _, surname = name.partition(" ")
    return {
        "id": mailbox.object_id,
        "displayName": name,
        "givenName": given,
        "surname": surname or None,
        "mail": mailbox.address,
        "mailNickname": mailbox.address.partition("@")[0],
        "preferredLanguage": None,
        "userPrincipalName": mailbox.principal,
        "accountEnabled": True,
        "userType": "Member",
        "proxyAddresses": [f"SMTP:{mailbox.address}", *(f"smtp:{alias}" for alias in mailbox.aliases)],
        "otherMails": [],
    }


def _selected(call: Call, user: dict[str, Any]) -> dict[str, Any]:
    wanted = odata.names(call.query.get("$select")) or list(_SHOWN)
    return {name: value for name, value in user.items() if name in wanted}


def users(service: Service, call: Call, params: Params) -> Answer:
    rows = [_user(mailbox) for mailbox in tenant_mailboxes(service.store, tenant_of(service, call))]
    text = call.query.get("$filter")
    if text:
        eventual = call.headers.get("consistencylevel", "").lower() == "eventual" and "$count" in call.query
        if not eventual and any(word in text.lower() for word in _ADVANCED):
            raise GraphError(
                400,
                "Request_UnsupportedQuery",
                "Unsupported or invalid query filter clause specified; it needs ConsistencyLevel: eventual and $count.",
            )
        test = odata.predicate(text)
        rows = [row for row in rows if test(row)]
    body: dict[str, Any] = {"@odata.context": f"{call.base}/$metadata#users"}
    if call.query.get("$count", "").lower() == "true":
        body["@odata.count"] = len(rows)
    size = odata.whole_number(call.query, "$top", most=999, default=100)
    skip = odata.whole_number(call.query, "$skip", most=10**9, default=0)
    body["value"] = [_selected(call, row) for row in rows[skip : skip + size]]
    if len(rows) > skip + size:
        body["@odata.nextLink"] = call.link(skip=str(skip + size))
    return Answer(200, body)


def user(service: Service, call: Call, params: Params) -> Answer:
    return Answer(200, _selected(call, _user(call.box)))


def tenant_of(service: Service, call: Call) -> Tenant:
    tenant = service.store.get("tenant", str(call.claims.get("tid")), Tenant)
    if tenant is None:
        raise GraphError(401, "InvalidAuthenticationToken", "The tenant of the token is unknown.")
    return tenant


def organization(service: Service, call: Call, params: Params) -> Answer:
    tenant = tenant_of(service, call)
    domains = [
        {
            "capabilities": "Email, OfficeCommunicationsOnline",
            "isDefault": n == 0,
            "isInitial": n == 0,
            "name": domain,
            "type": "Managed",
        }
        for n, domain in enumerate(tenant.domains)
    ]
    name = tenant.domains[0] if tenant.domains else tenant.id
    whole = {"id": tenant.id, "displayName": name, "verifiedDomains": domains}
    wanted = odata.names(call.query.get("$select"))
    row = {key: value for key, value in whole.items() if wanted is None or key in {*wanted, "id"}}
    return Answer(200, {"@odata.context": f"{call.base}/$metadata#organization", "value": [row]})


def mailbox_settings(service: Service, call: Call, params: Params) -> Answer:
    days = ["monday", "tuesday", "wednesday", "thursday", "friday"]
    return Answer(
        200,
        {
            "@odata.context": f"{call.base}/$metadata#users('{call.box.object_id}')/mailboxSettings",
            "timeZone": call.box.zone,
            "dateFormat": "yyyy-MM-dd",
            "timeFormat": "HH:mm",
            "delegateMeetingMessageDeliveryOptions": "sendToDelegateOnly",
            "language": {"locale": "sv-SE", "displayName": "Swedish (Sweden)"},
            "userPurpose": "user",
            "workingHours": {
                "daysOfWeek": days,
                "startTime": "08:00:00.0000000",
                "endTime": "17:00:00.0000000",
                "timeZone": {"name": call.box.zone},
            },
        },
    )


def supported_zones(service: Service, call: Call, params: Params) -> Answer:
    iana = "iana" in (params.get("standard") or "").lower()
    known = zones.iana_names() if iana else zones.windows_ids()
    return Answer(200, {"value": [{"alias": name, "displayName": name} for name in known]})


def _calendar(call: Call, folder: Folder) -> dict[str, Any]:
    default = folder.kind == CALENDAR
    return {
        "id": folder.id,
        "name": folder.name,
        "color": "auto",
        "hexColor": "",
        "isDefaultCalendar": default,
        "changeKey": folder.id[-24:],
        "canShare": True,
        "canViewPrivateItems": True,
        "canEdit": True,
        "allowedOnlineMeetingProviders": ["teamsForBusiness"],
        "defaultOnlineMeetingProvider": "teamsForBusiness",
        "isTallyingResponses": default,
        "isRemovable": not default,
        "owner": {"name": call.box.name or call.box.address, "address": call.box.address},
    }


def _calendars(service: Service, call: Call) -> list[Folder]:
    return [folder for folder in service.store.folders(call.box) if folder.kind in (CALENDAR, "secondary")]


def calendars(service: Service, call: Call, params: Params) -> Answer:
    rows = [_calendar(call, folder) for folder in _calendars(service, call)]
    return Answer(200, {"@odata.context": f"{call.base}/$metadata#calendars", "value": rows})


def calendar(service: Service, call: Call, params: Params) -> Answer:
    wanted = params.get("calendar")
    for folder in _calendars(service, call):
        if folder.id == wanted or (not wanted and folder.kind == CALENDAR):
            return Answer(200, _calendar(call, folder))
    raise not_found()


def create_calendar(service: Service, call: Call, params: Params) -> Answer:
    name = str(call.body["name"])
    if any(folder.name.casefold() == name.casefold() for folder in _calendars(service, call)):
        raise GraphError(409, "ErrorFolderExists", "A folder with the specified name already exists.")
    return Answer(201, _calendar(call, service.store.add_calendar(call.box, name)))
