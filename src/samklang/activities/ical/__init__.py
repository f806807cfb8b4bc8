"""Whole calendars as iCalendar files (RFC 5545), in and out."""

from samklang.activities.ical.exporting import export_calendar
from samklang.activities.ical.importing import Report, import_calendar
from samklang.activities.ical.reading import LeftOut, NotACalendar

__all__ = ["LeftOut", "NotACalendar", "Report", "export_calendar", "import_calendar"]
