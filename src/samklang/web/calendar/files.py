"""Import and export of whole calendars as iCalendar files."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from samklang.activities.ical import NotACalendar, export_calendar, import_calendar
from samklang.web.access import built_in_calendar, the_user

_LARGEST = 20 * 1024 * 1024


@built_in_calendar
@require_http_methods(["GET", "HEAD", "POST"])
def files(request: HttpRequest) -> HttpResponse:
    """The page; POST brings a file in and says what came of it."""
    report = None
    if request.method == "POST":
        file = request.FILES.get("file")
        if file is None or isinstance(file, list):
            messages.error(request, _("Choose a file first."))
        elif (file.size or 0) > _LARGEST:
            messages.error(request, _("The file is larger than 20 MB; split it."))
        else:
            try:
                report = import_calendar(the_user(request), file.read())
            except NotACalendar:
                messages.error(request, _("This is not an iCalendar file (.ics)."))
    return render(request, "calendar/files.html", {"area": "calendar", "report": report})


@built_in_calendar
@require_GET
def export(request: HttpRequest) -> HttpResponse:
    response = HttpResponse(export_calendar(the_user(request)), content_type="text/calendar; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="samklang.ics"'
    return response
