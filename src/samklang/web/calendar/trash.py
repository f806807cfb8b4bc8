"""The trash: what was deleted lies there for 30 days, and who may delete it may take it out (rule 8.2)."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from samklang.activities import queries, services
from samklang.activities.errors import Refused
from samklang.activities.housekeeping import TRASH_DAYS
from samklang.engine.model import AllDay
from samklang.web.access import built_in_calendar, the_user


@built_in_calendar
@require_GET
def trash(request: HttpRequest) -> HttpResponse:
    rows = [
        {
            "id": one.activity.psa_id,
            "title": one.title,
            "first_day": one.when.first if isinstance(one.when, AllDay) else None,
            "start": None if isinstance(one.when, AllDay) else one.when.start,
            "series": one.activity.is_series,
            "deleted": one.activity.trashed_at,
            "until": one.activity.trashed_at and one.activity.trashed_at + timedelta(days=TRASH_DAYS),
        }
        for one in queries.trashed(the_user(request))
    ]
    return render(request, "calendar/trash.html", {"area": "calendar", "rows": rows, "days": TRASH_DAYS})


@built_in_calendar
@require_POST
def restore(request: HttpRequest) -> HttpResponse:
    try:
        guid = UUID(request.POST.get("id", ""))
    except ValueError:
        return HttpResponseBadRequest()
    try:
        activity = services.restore(the_user(request), guid)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("“%(title)s” is back in the calendar.") % {"title": activity.name})
    return redirect("calendar-trash")
