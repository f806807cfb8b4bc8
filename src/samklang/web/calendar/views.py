"""The calendar page: month, week, day and list; create, edit, drag, delete."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from samklang.accounts.models import User
from samklang.activities import meetings, queries, rows, services
from samklang.activities.errors import NotAllowed, NotThere, Outdated, Refused
from samklang.activities.models import Activity, Participant
from samklang.activities.types import default_type
from samklang.clock import now
from samklang.engine import times
from samklang.engine.model import AllDay, Timed, When
from samklang.engine.recurrence import occurrence
from samklang.web.access import built_in_calendar, signed_in, the_user
from samklang.web.calendar import people
from samklang.web.calendar.forms import ActivityForm, initial_of, initial_times

#: Longest stretch the page may ask for at once.
_LONGEST = timedelta(days=400)
#: Years the page shows: instants of their ends exist in every zone.
_EARLIEST, _LATEST = 1, 9999
_STATUS = {NotThere: 404, NotAllowed: 403, Outdated: 409}


@signed_in
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    return redirect("profile-sync" if the_user(request).organization.in_severa else "calendar")


@built_in_calendar
@require_GET
def page(request: HttpRequest) -> HttpResponse:
    user = the_user(request)
    wall = times.to_wall(now(), user.zone)
    return render(request, "calendar/page.html", {"area": "calendar", "wall_now": f"{wall:%Y-%m-%dT%H:%M:%S}"})


@built_in_calendar
@require_GET
def events(request: HttpRequest) -> HttpResponse:
    """What FullCalendar shows between two days: occurrences with wall times of the user's zone, without offset."""
    user = the_user(request)
    try:
        start, end = (_wall(request.GET[name]) for name in ("start", "end"))
    except (KeyError, ValueError):
        return HttpResponseBadRequest()
    if not timedelta() < end - start <= _LONGEST or not _EARLIEST < start.year < _LATEST:
        return HttpResponseBadRequest()
    found = queries.between(user, times.to_instant(start, user.zone), times.to_instant(end, user.zone))
    return JsonResponse([_drawn(one, user) for one in found], safe=False)


def _drawn(one: queries.Shown, user: User) -> dict[str, Any]:
    activity = one.activity
    start, end = _drawn_times(one.when, user.zone)
    return {
        "id": f"{activity.psa_id}/{one.day or ''}",
        "title": one.title,
        "start": start,
        "end": end,
        "allDay": isinstance(one.when, AllDay),
        "editable": services.may_edit(user, activity) and not one.masked,
        "className": "category-personal" if one.masked else f"category-{activity.type.category.lower()}",
        "extendedProps": {
            "activity": activity.psa_id,
            "day": one.day.isoformat() if one.day else "",
            "version": activity.version,
            "series": activity.is_series,
        },
    }


def _drawn_times(when: When, zone: str) -> tuple[str, str]:
    if isinstance(when, AllDay):
        return when.first.isoformat(), when.end.isoformat()
    start, end = times.to_wall(when.start, zone), times.to_wall(when.end, zone)
    return f"{start:%Y-%m-%dT%H:%M:%S}", f"{end:%Y-%m-%dT%H:%M:%S}"


def _wall(text: str) -> datetime:
    """A wall time as FullCalendar sends it; an offset it may append says nothing and is dropped."""
    return datetime.fromisoformat(text.replace("Z", "")).replace(tzinfo=None)


@built_in_calendar
@require_http_methods(["GET", "HEAD", "POST"])
def form(request: HttpRequest) -> HttpResponse:
    """The dialog; POST saves and answers 204, or the dialog again with what is wrong (422)."""
    if request.method == "POST":
        return _save(request)
    user = the_user(request)
    if not request.GET.get("id"):
        return _dialog(request, ActivityForm(user, initial=_new(request)))
    try:
        activity = queries.find(user, request.GET["id"])
    except NotThere as error:
        return _why(error)
    seen = queries.shown(user, activity)
    if seen.masked:
        return render(request, "calendar/masked.html", {"shown": seen})
    return _dialog(request, _form_of(user, activity, _day(request.GET.get("day", ""))))


def _form_of(user: User, activity: Activity, day: date | None, sent: Any = None) -> ActivityForm:
    """The form of an activity, or of its occurrence of `day`; `sent` is what a person filled in."""
    entry = rows.entry_of(activity)
    shown = occurrence(entry, day or times.local_day(entry.when))
    initial = initial_of(activity, entry, shown, user.zone) | {"day": day}
    locked = meetings.why(activity) if meetings.is_somebody_elses(meetings.roles(activity)) else ""
    return ActivityForm(user, sent, initial=initial, activity=activity, entry=entry, shown=shown, why_locked=locked)


def _new(request: HttpRequest) -> dict[str, Any]:
    """Values of a new activity: where the user clicked or dragged, else the next full hour."""
    user = the_user(request)
    values: dict[str, Any] = {"type": default_type(user.organization, user).guid, "ends": "never", "interval": 1}
    try:
        start, end = (_wall(request.GET[name]) for name in ("start", "end"))
        if not start < end:
            raise ValueError
    except (KeyError, ValueError):
        start = (times.to_wall(now(), user.zone) + timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)
        end = start + timedelta(hours=1)
    if request.GET.get("all_day"):
        return values | initial_times(AllDay(start.date(), max(end.date(), times.add_days(start.date(), 1))), user.zone)
    when = Timed(times.to_instant(start, user.zone), times.to_instant(end, user.zone), user.zone)
    return values | initial_times(when, user.zone)


def _dialog(request: HttpRequest, form_: ActivityForm, status: int = 200) -> HttpResponse:
    user, activity = the_user(request), form_.activity
    mine = activity.participants.filter(user=user).first() if activity else None
    may_delete = activity is not None and services.may_delete(user, activity)
    context = {
        "form": form_,
        "may_edit": activity is None or services.may_edit(user, activity),
        "may_delete": may_delete,
        "may_leave": mine is not None and not may_delete,
        "invited_by": meetings.organizer_name(activity) if activity and rows.is_invitation(activity) else "",
        "tells_others": activity is not None and meetings.is_carried(activity),
        "answers": _answers(mine) if mine and not mine.organizer else [],
        "colleagues": people.colleagues_of(user),
    }
    return render(request, "calendar/form.html", context, status=status)


def _answers(mine: Participant) -> list[tuple[str, str, bool]]:
    """What one may answer, with its words, and whether that is one's answer now."""
    words = {"Accepted": _("Accept"), "Tentative": _("Tentative"), "Declined": _("Decline")}
    return [(status, word, mine.status == status) for status, word in words.items()]


@built_in_calendar
@require_POST
def person(request: HttpRequest) -> HttpResponse:
    """The dialog's list of people with the one who was written beside it; 422 with the reason when nobody is meant."""
    user = the_user(request)
    try:
        activity = queries.find(user, request.POST["id"]) if request.POST.get("id") else None
        if activity and queries.shown(user, activity).masked:
            raise NotThere("not_there", _("There is no such activity (any longer)."))
        new = people.written(people.read(request.POST.get("add", ""), user, people.guests_of(activity)))
    except Refused as refused:
        return _why(refused)
    except ValidationError as wrong:
        return HttpResponse(" ".join(wrong.messages), status=422, content_type="text/plain; charset=utf-8")
    sent = request.POST.copy()
    sent.appendlist("participants", new)
    form_ = ActivityForm(user, sent, activity=activity)
    return render(request, "calendar/people.html", {"form": form_, "may_edit": True, "new": new})


def _save(request: HttpRequest) -> HttpResponse:
    user = the_user(request)
    try:
        activity = queries.find(user, request.POST["id"]) if request.POST.get("id") else None
        if activity is not None and not services.may_edit(user, activity):
            raise NotAllowed("not_taking_part", _("Only those who take part in the activity can change it."))
    except Refused as refused:
        return _why(refused)
    if activity is None:
        form_ = ActivityForm(user, request.POST)
    else:
        form_ = _form_of(user, activity, _day(request.POST.get("day", "")), request.POST)
    if not form_.is_valid():
        return _dialog(request, form_, 422)
    try:
        if activity is None:
            services.create(user, **form_.changes())
        else:
            _save_scope(user, activity, form_, request.POST.get("scope", "all"))
    except Refused as refused:
        form_.add_error(None, str(refused))
        return _dialog(request, form_, _status(refused))
    return HttpResponse(status=204)


@transaction.atomic
def _save_scope(user: User, activity: Activity, form_: ActivityForm, scope: str) -> None:
    """Save a single activity, or "this", "this and following" or "all" of a series."""
    changes, day, version = form_.changes(), form_.cleaned_data["day"], form_.cleaned_data["version"]
    if not changes:
        return
    if not activity.is_series or day is None:
        services.update(user, activity.guid, version=version, **changes)
    elif scope == "this":
        if changes.keys() - services.OccurrenceChanges.__annotations__.keys():
            message = _("One occurrence can have a name, times, place and notes of its own; the rest is the series'.")
            raise Refused("series_only", message + " " + _("Save it for the whole series, or from here on."))
        services.update_occurrence(user, activity.guid, day, version=version, **changes)
    elif scope == "following":
        services.update_following(user, activity.guid, day, version=version, **changes)
    else:
        if "when" in changes:
            version = services.move_series(user, activity.guid, day, changes.pop("when"), version=version).version
        if changes:
            services.update(user, activity.guid, version=version, **changes)


def _status(refused: Refused) -> int:
    return _STATUS.get(type(refused), 422)


def _why(refused: Refused) -> HttpResponse:
    """The reason alone, for a script to show."""
    return HttpResponse(str(refused), status=_status(refused), content_type="text/plain; charset=utf-8")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


@built_in_calendar
@require_POST
def move(request: HttpRequest) -> HttpResponse:
    """A drag or a resize; 409 or 422 with the reason when it cannot be."""
    user = the_user(request)
    try:
        activity = queries.find(user, request.POST.get("id", ""))
        when = _dragged(request, activity)
        version = int(request.POST.get("version", ""))
    except NotThere as error:
        return _why(error)
    except (ValueError, OverflowError):
        return HttpResponseBadRequest()
    day, scope = _day(request.POST.get("day", "")), request.POST.get("scope", "this")
    try:
        if not activity.is_series or day is None:
            services.update(user, activity.guid, version=version, when=when)
        elif scope == "this":
            services.update_occurrence(user, activity.guid, day, version=version, when=when)
        elif scope == "following":
            services.update_following(user, activity.guid, day, version=version, when=when)
        else:
            services.move_series(user, activity.guid, day, when, version=version)
    except Refused as refused:
        return _why(refused)
    return HttpResponse(status=204)


def _dragged(request: HttpRequest, activity: Activity) -> When:
    """What the drag means, in the activity's own zone. A drop without end lasts an hour, or a day."""
    zone = the_user(request).zone
    start = _wall(request.POST.get("start", ""))
    end_text = request.POST.get("end", "")
    if request.POST.get("all_day"):
        end = _wall(end_text).date() if end_text else start.date() + timedelta(days=1)
        return AllDay(start.date(), end)
    end = _wall(end_text) if end_text else start + timedelta(hours=1)
    was = rows.when_of(activity)
    kept = was.zone if isinstance(was, Timed) else zone
    return Timed(times.to_instant(start, zone).astimezone(UTC), times.to_instant(end, zone).astimezone(UTC), kept)


@built_in_calendar
@require_POST
def respond(request: HttpRequest) -> HttpResponse:
    """One's own answer: accept, tentative or decline (rule 4.5)."""
    answer = request.POST.get("answer", "")
    if answer not in ("Accepted", "Tentative", "Declined"):
        return HttpResponseBadRequest()
    user = the_user(request)
    try:
        activity = queries.find(user, request.POST.get("id", ""))
        services.respond(user, activity.guid, Participant.Status(answer))
    except Refused as refused:
        return _why(refused)
    return HttpResponse(status=204)


@built_in_calendar
@require_POST
def delete(request: HttpRequest) -> HttpResponse:
    return _remove(request, leave=False)


@built_in_calendar
@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    return _remove(request, leave=True)


def _remove(request: HttpRequest, *, leave: bool) -> HttpResponse:
    user = the_user(request)
    day, scope = _day(request.POST.get("day", "")), request.POST.get("scope", "all")
    try:
        activity = queries.find(user, request.POST.get("id", ""))
        if leave:
            services.leave(user, activity.guid)
        elif activity.is_series and day and scope == "this":
            services.cancel_occurrence(user, activity.guid, day)
        elif activity.is_series and day and scope == "following":
            services.cancel_following(user, activity.guid, day)
        else:
            services.trash(user, activity.guid)
    except Refused as refused:
        return _why(refused)
    return HttpResponse(status=204)
