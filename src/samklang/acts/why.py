"""Why is this entry (not) synced? The rule, in words, for any activity or event a user asks about (rule 11.3)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _

from samklang.accounts.models import User
from samklang.activities import queries, rows
from samklang.activities.changes import people_of
from samklang.activities.errors import NotThere
from samklang.activities.models import Activity
from samklang.acts import why_severa
from samklang.clock import now
from samklang.engine import recurrence, times
from samklang.engine.canonical import changed_keys
from samklang.engine.context import PARTIAL
from samklang.engine.materialize import day_of, whole_id
from samklang.engine.model import Category, LinkStatus, SeenActivity
from samklang.engine.people import is_about_people, takes_part
from samklang.engine.rules import content, is_ticked
from samklang.mailboxes import messages, reasons
from samklang.mailboxes.models import Connection, LinkRow, Mailbox, SetAsideRow
from samklang.mailboxes.secrets import open_json
from samklang.psa import opened_for
from samklang.sync.errors import SyncError
from samklang.wiring import rules_for

#: What Graph's change feed of a calendar covers, around today (rule 7.7).
_WINDOW = (timedelta(days=-35), timedelta(days=730))


@dataclass(frozen=True, slots=True)
class Why:
    """An answer. Sentences are in the active language and name no content."""

    #: "linked", "held", "set_aside", "ignored", "begun", "left_out", "unlinked", "waiting", "not_synced",
    #: "switched_off", "in_trash", "masked", "not_yours" or "unknown".
    status: str
    sentence: str
    #: Number of the rule, "" when none decides.
    rule: str = ""
    #: What the user can do, "" when nothing needs to be done.
    remedy: str = ""
    #: What else is to be said about it.
    notes: tuple[str, ...] = ()
    #: Fields that stay behind for now, by `engine.canonical` key.
    held: tuple[str, ...] = ()
    activity: str | None = None
    event: str | None = None
    #: The user may have the mark removed that keeps it apart (rule 4.9).
    may_sync_again: bool = False

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of the entry asked about."""

    user: User
    mailbox: Mailbox | None
    link: LinkRow | None = None
    activity: Activity | None = None
    asides: tuple[SetAsideRow, ...] = field(default=())
    #: The activity as a run would see it, where it is linked.
    seen: SeenActivity | None = None


def why(user: User, *, activity_id: str = "", item_id: str = "") -> Why:
    """Why this activity, or this event of his own mailbox, is or is not synced for the user."""
    mailbox = Mailbox.objects.filter(user=user).select_related("user__organization", "connection").first()
    link = _link(mailbox, activity_id, item_id)
    if user.organization.in_severa:
        return _in_severa(user, mailbox, link, activity_id, item_id)
    activity_id = activity_id or (link.psa_id if link and link.psa_id else "")
    try:
        activity = queries.find(user, activity_id) if activity_id else None
    except NotThere:
        activity = None
    if activity is None and activity_id:
        answer = _not_there(user, activity_id)
        if answer.status == "in_trash" or link is None or link.status == LinkStatus.LINKED:
            return answer
    if activity is not None and queries.shown(user, activity).masked:
        return Why("masked", _("It is a colleague's private entry: you see its time only."), "1.8")
    if activity is not None and link is None and user.pk not in people_of(activity):
        sentence = _("It is synced to the calendars of its owner and participants, and you are neither.")
        return Why("not_yours", sentence, "1.5", activity=activity.psa_id, notes=_who_does_not_sync(activity))
    ids = {"psa": link.psa_id if link else activity_id, "exchange": link.item_id if link else item_id}
    asides = _asides(mailbox, ids["psa"] or "", ids["exchange"] or "")
    known = _Known(user, mailbox, link, activity, asides, rows.seen_of(activity) if activity and link else None)
    answer = _of_entry(known)
    notes = (*answer.notes, *(_who_does_not_sync(activity) if activity else ()), *_of_mailbox(known, answer))
    return replace(answer, activity=ids["psa"] or None, event=ids["exchange"] or None, notes=notes)


def _in_severa(user: User, mailbox: Mailbox | None, link: LinkRow | None, activity_id: str, item_id: str) -> Why:
    """What is linked is compared with the activity as last seen there."""
    ids = {"psa": link.psa_id if link else activity_id, "exchange": link.item_id if link else item_id}
    asides = _asides(mailbox, ids["psa"] or "", ids["exchange"] or "")
    known = _Known(user, mailbox, link, asides=asides, seen=_seen_in_severa(mailbox, link))
    left_out = link is not None and (link.status, link.reason) == (LinkStatus.LEFT_OUT, "1.5")
    if ids["psa"] and not asides and (link is None or left_out):
        answer = _unlinked_in_severa(known, ids["psa"])
        if left_out and answer.status == "not_synced":
            answer = replace(answer, status="left_out")
    else:
        answer = _of_entry(known)
    own = why_severa.notes(user, whole_id(ids["psa"])) if ids["psa"] else ()
    notes = (*answer.notes, *own, *_of_mailbox(known, answer))
    return replace(answer, activity=ids["psa"] or None, event=ids["exchange"] or None, notes=notes)


def _seen_in_severa(mailbox: Mailbox | None, link: LinkRow | None) -> SeenActivity | None:
    """A linked activity, from the mirror; None for a date of a series, or where Severa had to be asked in vain."""
    if mailbox is None or link is None or link.status != LinkStatus.LINKED or day_of(link.psa_id or "") is not None:
        return None
    try:
        with opened_for(mailbox.user) as psa:
            return psa.activities.get([link.psa_id or ""])[link.psa_id or ""]
    except SyncError:
        return None


def _unlinked_in_severa(known: _Known, activity_id: str) -> Why:
    try:
        with opened_for(known.user) as psa:
            activity, rules = psa.activities.get([activity_id])[activity_id], psa.rules
    except SyncError as error:
        explained = messages.explain(error.code, error.detail)
        return Why("unknown", explained.sentence, remedy=explained.remedy)
    if activity is None:
        return Why("unknown", _("There is no such activity (any longer)."))
    if not takes_part(activity, rules.user_id):
        sentence = _("It is synced to the calendars of its owner and participants, and you are neither.")
        return Why("not_yours", sentence, "1.5")
    task = activity.category is Category.PROJECT_TASK
    return _not_yet(known, task=task, draft=False, ticked=is_ticked(activity.type_id, rules))


def _link(mailbox: Mailbox | None, activity_id: str, item_id: str) -> LinkRow | None:
    if mailbox is None:
        return None
    links = LinkRow.objects.filter(mailbox=mailbox)
    return links.filter(psa_id=activity_id).first() if activity_id else links.filter(item_id=item_id).first()


def _asides(mailbox: Mailbox | None, psa_id: str, item_id: str) -> tuple[SetAsideRow, ...]:
    if mailbox is None:
        return ()
    mine = Q(side="psa", entry_id=psa_id) | Q(side="exchange", entry_id=item_id)
    return tuple(SetAsideRow.objects.filter(mine, mailbox=mailbox).exclude(entry_id=""))


def _not_there(user: User, activity_id: str) -> Why:
    try:
        trashed = Activity.objects.of(user.organization_id).trashed().filter(guid=UUID(activity_id)).whole().first()
    except ValueError:
        trashed = None
    if trashed is not None and user.pk in people_of(trashed):
        sentence = _("It is in the trash, where it stays for 30 days; until then it can be restored.")
        return Why("in_trash", sentence, "8.2", activity=activity_id)
    return Why("unknown", _("There is no such activity (any longer)."))


# --- the entry ------------------------------------------------------------------------------------------------------


def _of_entry(known: _Known) -> Why:
    whole = next((one for one in known.asides if one.code not in PARTIAL), None)
    if whole is not None:
        explained = messages.explain(whole.code)
        status = "ignored" if whole.ignored else "set_aside"
        notes = (_("You chose to ignore it until it changes."),) if whole.ignored else ()
        return Why(status, explained.sentence, "10.1", explained.remedy, notes)
    if known.link is None:
        return _without_link(known)
    match LinkStatus(known.link.status):
        case LinkStatus.LINKED:
            return _linked(known, known.link)
        case LinkStatus.CREATING:
            return Why("begun", _("It is just being made on the other side; the next run completes it."), "10.4")
        case LinkStatus.LEFT_OUT:
            return _left_out(known, known.link.reason)
        case LinkStatus.UNLINKED:
            sentence = _("It is kept apart from its other half on purpose: both stay as they are.")
            remedy = _("If you want it synced after all, choose Sync again.")
            notes = (reasons.why(known.link.reason),)
            return Why("unlinked", sentence, known.link.reason, remedy, notes, may_sync_again=True)


def _linked(known: _Known, link: LinkRow) -> Why:
    base = open_json(link.base)
    now_there = _content_now(known)
    changed = changed_keys(_without_people(base.get("psa", {})), _without_people(now_there)) if now_there else ()
    held = tuple(sorted(changed, key=reasons.field_order))
    notes = list(_of_linked(known, link, base))
    if known.asides:
        explained = messages.explain(known.asides[0].code)
        return Why("held", explained.sentence, "4.6", explained.remedy, tuple(notes), held)
    if held:
        return Why(
            "waiting", _("It was changed; the next run carries that over."), "7.2", notes=tuple(notes), held=held
        )
    return Why("linked", _("It is synced: both sides hold the same."), "7.2", notes=tuple(notes))


def _content_now(known: _Known) -> dict[str, str]:
    if known.seen is None or known.mailbox is None:
        return {}
    try:
        with opened_for(known.user) as psa:
            return dict(content(known.seen, rules_for(known.mailbox, psa)))
    except SyncError:
        return {}


def _without_people(values: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in values.items() if not is_about_people(key)}


def _of_linked(known: _Known, link: LinkRow, base: dict[str, dict[str, str]]) -> list[str]:
    notes = []
    if link.role == "attendee":
        notes.append(reasons.why("4.4"))
    apart = changed_keys(_without_people(base.get("psa", {})), _without_people(base.get("exchange", {})))
    if apart:
        names = ", ".join(reasons.field(key) for key in sorted(apart, key=reasons.field_order))
        notes.append(_("Each side keeps its own until somebody edits it: %(fields)s.") % {"fields": names})
    if _is_outside_window(known):
        notes.append(_("Changes made to it in Outlook are found once a day, for it is far from today."))
    return notes


def _is_outside_window(known: _Known) -> bool:
    """Graph tells at once only of what is near (rule 7.7)."""
    if known.mailbox is None or known.seen is None or not known.mailbox.connection.is_office365:
        return False
    entry, zone = known.seen.entry, known.user.zone
    first, last = (now() + shift for shift in _WINDOW)
    end = recurrence.last_end(entry, zone)
    return times.start_of(entry.when, zone) > last or (end is not None and end < first)


def _left_out(known: _Known, reason: str) -> Why:
    if reason == "1.5":
        answer = _without_link(known)
        if answer.status == "not_synced":
            return replace(answer, status="left_out")
    return Why("left_out", reasons.why(reason), reason, _("Edit it, and it is synced.") if reason == "3.3" else "")


def _without_link(known: _Known) -> Why:
    activity = known.activity
    if activity is None:
        sentence = _("Samklang knows no such entry. Only your default calendar is synced, from the next run on.")
        return Why("unknown", sentence, "1.5")
    task = activity.type.category == Category.PROJECT_TASK
    return _not_yet(known, task=task, draft=activity.draft, ticked=activity.type.ticked)


def _not_yet(known: _Known, *, task: bool, draft: bool, ticked: bool) -> Why:
    if task:
        return Why("not_synced", _("Project tasks are not synced."), "1.5")
    if draft:
        return Why("not_synced", _("Drafts are not synced."), "1.5", _("Release it, and it is synced."))
    if not ticked:
        sentence = _("Its activity type is not among those an administrator chose for Microsoft.")
        return Why("not_synced", sentence, "1.5", _("Choose another type, or ask an administrator."))
    mailbox = known.mailbox
    if mailbox is None or not mailbox.on:
        return _switched_off(known)
    return Why("waiting", _("It has not been synced yet; it will be with the next run."), "9.1")


def _switched_off(known: _Known) -> Why:
    connection = Connection.objects.filter(organization_id=known.user.organization_id).first()
    if connection is None or not connection.enabled:
        explained = messages.explain("organization_off")
    else:
        explained = messages.explain("switched_off")
    return Why("switched_off", explained.sentence, "1.2", explained.remedy)


# --- what else ------------------------------------------------------------------------------------------------------


def _of_mailbox(known: _Known, answer: Why) -> tuple[str, ...]:
    """What keeps the whole calendar waiting."""
    mailbox = known.mailbox
    if mailbox is None or answer.status == "switched_off":
        return ()
    if not mailbox.connection.enabled:
        return (messages.explain("organization_off").sentence,)
    if not mailbox.on:
        return (messages.explain("switched_off").sentence,)
    code = mailbox.connection.paused_code or mailbox.error_code
    if code:
        return (messages.explain(code).sentence,)
    if mailbox.stop_asked:
        return (messages.explain("stopped").sentence,)
    if mailbox.waiting_for == "brake" and mailbox.accepted_plan != mailbox.waiting_plan:
        return (_("A run waits for you in My profile: it would remove or change unusually many entries."),)
    if not mailbox.first_run_done:
        return (_("Your first synchronization is not finished yet."),)
    return ()


def _who_does_not_sync(activity: Activity) -> tuple[str, ...]:
    """Colleagues whose calendar it does not reach (rule 4.1)."""
    people = User.objects.filter(pk__in=people_of(activity)).exclude(mailbox__on=True).order_by("name")
    names = ", ".join(people.values_list("name", flat=True))
    return (
        (_("It does not reach the calendars of those who do not sync: %(names)s.") % {"names": names},) if names else ()
    )
