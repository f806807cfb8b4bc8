"""Activity types: the ones a new organization starts with, which is the default, which are ticked (rules 1.5, 1.6)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from samklang import clock
from samklang.accounts import services as accounts
from samklang.accounts.models import Organization, User
from samklang.activities import changes
from samklang.activities.errors import Refused
from samklang.activities.models import PRIVATE_NAMES, Activity, ActivityType
from samklang.engine import rules
from samklang.engine.model import Category

#: Name per language, category, and whether it is the default of its category.
_FIRST_TYPES = (
    ({"sv": "Möte", "en": "Meeting"}, Category.CALENDAR_ENTRY, True),
    ({"sv": "Att göra", "en": "To-do"}, Category.TO_DO, True),
    ({"sv": "Projektuppgift", "en": "Project task"}, Category.PROJECT_TASK, True),
    ({"sv": "Personligt", "en": "Personal"}, Category.PERSONAL, True),
    ({"sv": "Privat", "en": "Private"}, Category.PERSONAL, False),
    ({"sv": "Frånvaro", "en": "Absence"}, Category.ABSENCE, True),
)


@transaction.atomic
def found_organization(
    name: str, *, language: str = "sv", zone: str = "Europe/Stockholm", by: User | None = None
) -> Organization:
    """A new organization with the activity types everybody needs. Raises AccountError."""
    organization = accounts.create_organization(name, language=language, zone=zone, by=by)
    ActivityType.objects.bulk_create(
        ActivityType(
            organization=organization, name=names.get(language, names["en"]), category=category, is_default=is_default
        )
        for names, category, is_default in _FIRST_TYPES
    )
    return organization


def default_type(organization: Organization, user: User | None = None) -> ActivityType:
    """The type a new entry gets: the user's own default, else the organization's, else its first (rule 1.6).

    Raises Refused ("no_type") when the organization has no active type of category calendar entry.
    """
    types = ActivityType.objects.of(organization).filter(is_active=True, category=Category.CALENDAR_ENTRY)
    if user is not None and user.default_activity_type:
        own = types.filter(guid=user.default_activity_type).first()
        if own:
            return own
    found = types.order_by("-is_default", "pk").first()
    if found is None:
        message = _("There is no active activity type of the group Calendar entry. An administrator can add one.")
        raise Refused("no_type", message)
    return found


def private_type(organization: Organization) -> ActivityType | None:
    """The active type *Private*, by its name in any language (rule 1.6); None when there is none."""
    types = ActivityType.objects.of(organization).filter(is_active=True).order_by("pk")
    return next((type_ for type_ in types if type_.name.strip().casefold() in PRIVATE_NAMES), None)


def types_for_rules(organization: Organization) -> tuple[rules.ActivityType, ...]:
    """The organization's types as the engine's rules take them, in the order they were made."""
    return tuple(
        rules.ActivityType(
            id=str(type_.guid),
            name=type_.name,
            category=Category(type_.category),
            active=type_.is_active,
            is_default=type_.is_default,
            ticked=type_.ticked,
        )
        for type_ in ActivityType.objects.of(organization).order_by("pk")
    )


@transaction.atomic
def set_ticks(organization: Organization, ticked: Collection[str], *, by: User | None = None) -> None:
    """Let activities of exactly these types (guids) be created in Exchange.

    Activities of the types whose tick changes count as changed, so that the next runs look at them (rules 1.5, 4.8).
    Raises Refused ("type_unknown").
    """
    types = {str(type_.guid): type_ for type_ in ActivityType.objects.of(organization)}
    unknown = set(ticked) - types.keys()
    if unknown:
        raise Refused("type_unknown", _("There is no activity type “%(id)s”.") % {"id": min(unknown)})
    turned = [type_ for guid, type_ in types.items() if type_.ticked != (guid in ticked)]
    for type_ in turned:
        type_.ticked = not type_.ticked
    ActivityType.objects.bulk_update(turned, ["ticked"])
    _touch(organization, turned)
    accounts.audit(organization, "types.tick", by=by, types=sorted(ticked))


@transaction.atomic
def add_type(organization: Organization, name: str, category: Category, *, by: User | None = None) -> ActivityType:
    """A new type. Raises Refused ("type_name_missing", "type_name_taken")."""
    type_ = ActivityType(organization=organization, category=category)
    _rename(type_, name)
    accounts.audit(organization, "type.add", by=by, subject=type_.guid)
    return type_


@transaction.atomic
def change_type(type_: ActivityType, *, by: User | None = None, **values: Any) -> None:
    """Change `name`, `code`, `is_active` or `is_default` (which takes it from the category's present default).

    The category stays: it cannot change once activities have it (Severa facts §2.4).
    """
    was_private = type_.is_private
    if values.get("is_default"):
        ActivityType.objects.of(type_.organization).filter(category=type_.category).update(is_default=False)
    for field in ("code", "is_active", "is_default"):
        setattr(type_, field, values.get(field, getattr(type_, field)))
    _rename(type_, values.get("name", type_.name))
    if type_.is_private != was_private:
        _touch(type_.organization, [type_])
    accounts.audit(type_.organization, "type.change", by=by, subject=type_.guid, fields=sorted(values))


@transaction.atomic
def remove_type(type_: ActivityType, heir: ActivityType | None = None, *, by: User | None = None) -> None:
    """Delete a type; activities that have it, the trash included, get `heir`, of the same category.

    Raises Refused ("type_in_use", "type_other_category").
    """
    changes.lock(type_.organization_id)
    used = Activity.objects.of(type_.organization_id).filter(type=type_)
    if used.exists():
        if heir is None or heir == type_:
            message = _("Activities have this type. Name another type that shall take its place.")
            raise Refused("type_in_use", message)
        if heir.category != type_.category:
            message = _("The other type belongs to another group, and the group of an activity cannot change.")
            raise Refused("type_other_category", message)
        moved = list(used.filter(trashed_at=None).whole())
        used.update(type=heir, version=F("version") + 1, modified=clock.now(), modified_by=by)
        changes.log_all(type_.organization_id, [(one.guid, changes.people_of(one)) for one in moved])
    guid = type_.guid
    type_.delete()
    accounts.audit(type_.organization, "type.remove", by=by, subject=guid, heir=str(heir.guid) if heir else "")


def _rename(type_: ActivityType, name: str) -> None:
    type_.name = name.strip()
    if not type_.name:
        raise Refused("type_name_missing", _("The activity type needs a name."))
    try:
        with transaction.atomic():
            type_.save()
    except IntegrityError:
        message = _("There is already an activity type “%(name)s”.") % {"name": type_.name}
        raise Refused("type_name_taken", message) from None


def _touch(organization: Organization, types: list[ActivityType]) -> None:
    changes.lock(organization.pk)
    touched = Activity.objects.of(organization).filter(type__in=types, trashed_at=None).whole()
    changes.log_all(organization.pk, [(activity.guid, changes.people_of(activity)) for activity in touched])
