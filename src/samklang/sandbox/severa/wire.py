"""Severa's records as its answers show them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from samklang.sandbox import zones
from samklang.sandbox.severa.model import Activity, ActivityType, Contact, Participant, Record, User
from samklang.sandbox.severa.service import Severa, Target, base
from samklang.sandbox.severa.timezones import timezone

Shown = dict[str, Any]
R = TypeVar("R", bound=Record)
_HIDDEN = ("parentGuid", "projectBusinessUnitGuid")


class Wire:
    """For one request: what it looked up once, it remembers."""

    def __init__(self, severa: Severa) -> None:
        self._severa, self._records, self._settings = severa, severa.records, severa.settings
        self._known: dict[str, Any] = {}

    # --- activities
    def target(self, target: Target) -> Shown:
        activity, body = base(target), base(target).body
        owner = self._user(body.owner_user.guid)
        zone = owner.zone if owner else activity.zone
        type = self._look(ActivityType, body.activity_type.guid)
        plain = msgspec.to_builtins(body)
        phase = plain["phase"]
        shown = {
            "guid": target.guid,
            **{name: plain[name] for name in ("name", "isClosed", "isAllDay", "hasDuration", "isUnassigned")},
            **{name: plain[name] for name in ("notes", "location", "projectTaskStatus")},
            "startDateTime": self.moment(target.start, zone),
            "endDateTime": self.moment(target.end, zone) if body.end_date_time else None,
            "hasHours": activity.has_hours,
            "activityType": {
                "guid": body.activity_type.guid,
                "name": type.name if type else None,
                "category": type.category if type else "CalendarEntry",
            },
            "ownerUser": {
                "guid": body.owner_user.guid,
                "name": owner.name if owner else None,
                "code": owner.code if owner else None,
                "keywords": [],
            },
            "customer": plain["customer"] and {"number": None} | plain["customer"],
            "phase": phase and {name: value for name, value in phase.items() if name not in _HIDDEN},
            "recurrence": None,
            "recurrenceRule": None,
            "recurrenceType": target.kind,
            "recurrenceParentActivityGuid": target.parent or None,
            **self._stamps(activity, zone),
        }
        return shown | self._recurrence(activity, zone) if target.kind == "Series" else shown

    def _recurrence(self, series: Activity, zone: str) -> Shown:
        layout = self._severa.layout(series)
        named = self._settings.recurrence_exceptions
        days = {
            *(layout.moved if "changed" in named else ()),
            *(series.deleted if "deleted" in named else ()),
        }
        last = layout.last()
        return {
            "recurrence": msgspec.to_builtins(series.body.recurrence)
            | {
                "exceptions": [self.moment(layout.at(day).start, zone) for day in sorted(days)],
                "lastOccurrenceDateTime": None if last is None else self.moment(last.start, zone),
            },
            "recurrenceRule": layout.text,
        }

    def participant(self, participant: Participant, activity: str = "") -> Shown:
        """`activity`: the guid of an occurrence, which shows its series' participants."""
        known = self._look(User, participant.who) or self._look(Contact, participant.who)
        name, email = (known.name, known.address) if known else (participant.name, participant.email)
        return {
            "guid": participant.guid,
            "name": name or None,
            "type": participant.kind,
            "participantGuid": participant.who,
            "activityGuid": activity or participant.activity,
            "email": email or None,
            "phone": None,
            "mobilePhone": None,
            "status": participant.status,
            "isActive": known is None or known.active,
        }

    # --- the rest
    def activity_type(self, type: ActivityType) -> Shown:
        return {
            "guid": type.guid,
            "name": type.name,
            "category": type.category,
            "code": type.code,
            "isActive": type.active,
            "isDefault": type.default,
            "isPaidLeave": None,
            **self._stamps(type, "UTC"),
        }

    def user(self, user: User) -> Shown:
        default = self._look(ActivityType, user.default_type) if user.default_type else None
        language = {"guid": None, "code": user.language, "name": user.language, "englishName": user.language}
        return {
            "guid": user.guid,
            "firstName": user.first_name,
            "lastName": user.last_name,
            "email": user.email,
            "isActive": user.active,
            "code": user.code,
            "userType": user.user_type,
            "timezone": timezone(user.zone),
            "language": language,
            "culture": language,
            "keywords": [{"value": keyword} for keyword in user.keywords],
            "businessUnit": user.business_unit and {"guid": user.business_unit, "name": None},
            "superiorUser": user.supervisor and {"guid": user.supervisor, "name": None},
            "defaultActivityType": default and {"guid": default.guid, "name": default.name},
            "notificationSettings": msgspec.to_builtins(user.notifications),
            **self._stamps(user, "UTC"),
        }

    def contact(self, contact: Contact) -> Shown:
        return {
            "guid": contact.guid,
            "firstName": contact.first_name,
            "lastName": contact.last_name,
            "name": contact.name,
            "emails": contact.emails,
            "phoneNumbers": contact.phones,
            "customer": msgspec.to_builtins(contact.customer) | {"number": None},
            "isActive": contact.active,
            "isDeleted": False,
            "isEmailAllowed": False,
            **self._stamps(contact, "UTC"),
        }

    def moment(self, moment: datetime, zone: str) -> str:
        """As the sandbox is told to write times."""
        match self._settings.offsets:
            case "zone":
                return moment.astimezone(zones.zone(zone)).isoformat()
            case "utc":
                return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
            case "none":
                return moment.astimezone(UTC).replace(tzinfo=None).isoformat()

    def _stamps(self, record: Record, zone: str) -> Shown:
        return {
            "createdDateTime": self.moment(record.created, zone),
            "createdBy": self._by(record.created_by),
            "lastUpdatedDateTime": self.moment(record.updated, zone),
            "lastUpdatedBy": self._by(record.updated_by),
        }

    def _by(self, guid: str) -> Shown | None:
        """A user, or the program that wrote."""
        if not guid:
            return None
        user = self._user(guid)
        if user is None:
            return {"guid": guid, "code": None, "name": "REST API", "firstName": "REST", "lastName": "API"}
        names = {"firstName": user.first_name, "lastName": user.last_name}
        return {"guid": guid, "code": user.code, "name": user.name, **names}

    def _user(self, guid: str) -> User | None:
        return self._look(User, guid)

    def _look(self, model: type[R], guid: str) -> R | None:
        key = f"{model.__name__}/{guid}"
        if key not in self._known:
            self._known[key] = self._records.get(model, guid)
        found: R | None = self._known[key]
        return found
