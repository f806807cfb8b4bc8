"""Making and changing whole activities, step by step; each step is in the mirror before the next begins."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from samklang.connectors.severa import wire, writing
from samklang.connectors.severa.anew import Anew
from samklang.connectors.severa.directory import category
from samklang.connectors.severa.occurrences import Occurrences
from samklang.connectors.severa.organization import SeveraOrganization
from samklang.connectors.severa.schema import Activity, Ours, Whole
from samklang.engine.model import Category, Entry, Person
from samklang.sync.errors import ItemError

#: Fields that PATCH may refuse to change, whose change can be had by making the activity anew.
_PERHAPS_FIXED = ("/recurrence", "/activityType/guid")


class Acts:
    def __init__(self, organization: SeveraOrganization) -> None:
        self._all = organization
        self._anew = Anew(organization)

    def make(self, entry: Entry, type_id: str, key: str, owner: str, *, like: Activity | None = None) -> Whole:
        """Make it with its people and what deviates; `like`: whose links to customer and phase it takes."""
        writing.refuse_dates(entry)
        zone = self._all.directory.zone_of(owner)
        body = writing.body_of(entry, type_id, owner, zone) | (writing.links_of(like) if like else {})
        ours = Ours(key=key)
        writing.zones_of(entry, ours)
        # Known from here on, should what follows be cut off.
        whole = self._kept(Whole(self._all.creations.make(key, body), ours=ours))
        whole = self.attended(whole, [person for person in entry.people if not person.resource])
        try:
            return self._deviating(whole, entry, zone)
        except ItemError:
            # Never half a series (rule 5.5).
            self._all.feed.delete(whole.activity.guid)
            raise

    def change(self, whole: Whole, held: Entry, wanted: Entry, type_id: str | None) -> Whole:
        """Make the activity as wanted, people apart; only what differs from what it holds is written."""
        writing.refuse_dates(wanted)
        if type_id is not None and self._leaves_its_group(whole, type_id):
            return self._made_anew(whole, wanted, type_id, "group_kept")
        zone = self._zone(whole)
        values = writing.replaced(held, wanted, zone, lasts=wire.lasts(whole.activity))
        if type_id is not None:
            values.append(("/activityType/guid", type_id))
        if values:
            activity = self._replaced(whole, values)
            if activity is None:
                made = self._made_anew(whole, wanted, type_id or wire.type_of(whole.activity), "field_fixed")
                self._all.findings.note(fixed=sorted({*self._all.findings.found.fixed, *_perhaps_fixed(values)}))
                return made
            writing.zones_of(wanted, whole.ours)
            whole = self._kept(self._all.feed.whole(activity, whole))
        return self._deviating(whole, wanted, zone)

    def attended(self, whole: Whole, wanted: Sequence[Person]) -> Whole:
        """With exactly these people beside its owner."""
        made = self._all.attendance.make(whole, wanted)
        if made.participants != whole.participants and made.activity.stamp != whole.activity.stamp:
            self._all.findings.note(participants_touch=True)
        return self._kept(made)

    def owned_by(self, whole: Whole, owner_id: str) -> Whole:
        """A new owner is no participant any longer."""
        guid = whole.activity.guid
        self._all.patching.replace(guid, [("/ownerUser/guid", owner_id)])
        for one in whole.participants:
            if one.participant_guid == owner_id:
                self._all.attendance.remove(guid, one)
        others = [one for one in whole.participants if one.participant_guid != owner_id]
        activity = self._all.client.get(f"/activities/{guid}", Activity)
        return self._kept(msgspec.structs.replace(whole, activity=activity, participants=others))

    def restored(self, whole: Whole, entry: Entry) -> Whole:
        """What an activity that is gone held, as a new one that takes its place in every link (rule 13.1)."""
        return self._anew.make(
            whole, lambda key: self._again(whole, entry, wire.type_of(whole.activity), key), "restored"
        )

    def finish(self) -> None:
        """Complete, or take back, what a process was making anew when it was cut off."""
        self._anew.finish()

    def _again(self, whole: Whole, entry: Entry, type_id: str, key: str) -> Whole:
        owner = wire.owner_of(whole.activity)
        if owner is None:
            raise ItemError("owner_unknown")
        return self.make(entry, type_id, key, owner, like=whole.activity)

    def made(self, key: str) -> Whole | None:
        """What this key made, if it is there."""
        id = self._all.creations.made(key)
        whole = self._all.feed.fetch(id) if id else None
        if whole is not None and not whole.ours.key:
            # The create that made it was cut off before it could say whose it is.
            whole.ours.key = key
            self._kept(whole)
        return whole

    def _replaced(self, whole: Whole, values: writing.Values) -> Activity | None:
        """The activity with these values; None where one of them cannot be replaced in place, or so it seems."""
        perhaps_fixed = _perhaps_fixed(values)
        if perhaps_fixed & set(self._all.findings.found.fixed):
            return None
        try:
            return self._all.patching.replace(whole.activity.guid, values)
        except ItemError:
            if not perhaps_fixed:
                raise
            return None

    def _leaves_its_group(self, whole: Whole, type_id: str) -> bool:
        """Whether the type is of another group, which an activity cannot change to (Severa facts §2.4)."""
        return self._all.directory.category_of(type_id) is not category_of(whole.activity)

    def _made_anew(self, whole: Whole, wanted: Entry, type_id: str, code: str) -> Whole:
        """What cannot be changed in place is made once more, then the old one goes (rule 13.3).

        Raises ItemError(`code`) for what has hours booked or is closed.
        """
        if whole.activity.has_hours or whole.activity.is_closed:
            raise ItemError(code)
        return self._anew.make(whole, lambda key: self._again(whole, wanted, type_id, key), code)

    def _deviating(self, whole: Whole, wanted: Entry, zone: str) -> Whole:
        if not whole.is_series:
            return whole
        all_ = self._all
        return self._kept(Occurrences(all_.client, all_.patching, all_.feed, all_.findings, zone).make(whole, wanted))

    def _zone(self, whole: Whole) -> str:
        return self._all.directory.zone_of(wire.owner_of(whole.activity))

    def _kept(self, whole: Whole) -> Whole:
        self._all.feed.keep(whole)
        return whole


def _perhaps_fixed(values: writing.Values) -> set[str]:
    return {path for path, _value in values if path in _PERHAPS_FIXED}


def category_of(activity: Activity) -> Category:
    """A project task is known by its status, too (Severa facts §1.9)."""
    if activity.project_task_status is not None:
        return Category.PROJECT_TASK
    return category(activity.activity_type.category if activity.activity_type else None)
