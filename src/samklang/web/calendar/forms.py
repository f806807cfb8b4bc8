"""The activity dialog: one form for single entries, occurrences and series."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from samklang.accounts.models import User
from samklang.activities.models import Activity, ActivityType
from samklang.activities.services import Guest
from samklang.engine import times
from samklang.engine.model import AllDay, Entry, Frequency, Inexpressible, Occurrence, Recurrence, Timed, Weekday, When
from samklang.web.calendar import people

_WALL = "%Y-%m-%dT%H:%M"
_DAYS = (
    gettext_lazy("Monday"),
    gettext_lazy("Tuesday"),
    gettext_lazy("Wednesday"),
    gettext_lazy("Thursday"),
    gettext_lazy("Friday"),
    gettext_lazy("Saturday"),
    gettext_lazy("Sunday"),
)
_LAST = -1
#: Of dates Python knows; whole days end on the day after.
_LAST_YEAR = 9999


class TypeChoice(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return str(obj.name)


class WallTime(forms.Field):
    """A wall time as a browser's `datetime-local` sends it: any, also one the clocks skip (rule 6.4)."""

    def to_python(self, value: Any) -> datetime | None:
        if isinstance(value, datetime) or not value:
            return value or None
        try:
            return datetime.fromisoformat(str(value)).replace(tzinfo=None)
        except ValueError:
            raise forms.ValidationError(_("This is no date and time.")) from None


class PlainText(forms.CharField):
    """Text of several lines, as it was typed; browsers send CR LF."""

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value)).replace("\r\n", "\n")


_TIMES = {True: {"all_day", "first_day", "last_day"}, False: {"all_day", "start", "end"}}
_RULE = {"frequency", "interval", "weekdays", "by", "ends", "until", "count"}
#: What only the organizer of a meeting may change (rule 4.4).
_THE_ORGANIZERS = {"name", "location", "participants"} | _TIMES[True] | _TIMES[False] | _RULE


class ActivityForm(forms.Form):
    """Times are wall times in the user's zone; a series keeps the zone it was made in.

    What the person left as it was is not in `changes`: nothing is lost that the form cannot show, such as seconds.
    """

    id = forms.CharField(required=False, widget=forms.HiddenInput)
    #: Original date of the occurrence that was opened.
    day = forms.DateField(required=False, widget=forms.HiddenInput)
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    series = forms.CharField(required=False, widget=forms.HiddenInput)
    name = forms.CharField(label=gettext_lazy("Name"), max_length=500)
    type = TypeChoice(label=gettext_lazy("Activity type"), queryset=None, to_field_name="guid", empty_label=None)
    all_day = forms.BooleanField(label=gettext_lazy("All day"), required=False)
    start = WallTime(
        label=gettext_lazy("Starts"), required=False, widget=forms.DateTimeInput({"type": "datetime-local"}, _WALL)
    )
    end = WallTime(
        label=gettext_lazy("Ends"), required=False, widget=forms.DateTimeInput({"type": "datetime-local"}, _WALL)
    )
    first_day = forms.DateField(
        label=gettext_lazy("First day"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d")
    )
    last_day = forms.DateField(
        label=gettext_lazy("Last day"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d")
    )
    location = forms.CharField(label=gettext_lazy("Place"), required=False, strip=False, max_length=1000)
    notes = PlainText(label=gettext_lazy("Notes"), required=False, strip=False, widget=forms.Textarea({"rows": 3}))
    participants = people.PeopleField(label=gettext_lazy("Participants"), required=False)
    frequency = forms.ChoiceField(
        label=gettext_lazy("Repeats"),
        required=False,
        choices=[
            ("", gettext_lazy("Never")),
            ("daily", gettext_lazy("Daily")),
            ("weekly", gettext_lazy("Weekly")),
            ("monthly", gettext_lazy("Monthly")),
            ("yearly", gettext_lazy("Yearly")),
        ],
    )
    interval = forms.IntegerField(label=gettext_lazy("Interval"), required=False, min_value=1, max_value=99)
    weekdays = forms.MultipleChoiceField(
        label=gettext_lazy("On"),
        required=False,
        choices=list(enumerate(_DAYS)),
        widget=forms.CheckboxSelectMultiple,
    )
    by = forms.ChoiceField(
        label=gettext_lazy("On"),
        required=False,
        choices=[
            ("date", gettext_lazy("The same date")),
            ("position", gettext_lazy("The same weekday of the month")),
            ("last", gettext_lazy("The last such weekday of the month")),
        ],
    )
    ends = forms.ChoiceField(
        label=gettext_lazy("Ends"),
        required=False,
        choices=[
            ("never", gettext_lazy("Never")),
            ("until", gettext_lazy("On a date")),
            ("count", gettext_lazy("After a number of times")),
        ],
    )
    until = forms.DateField(
        label=gettext_lazy("Last possible day"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d")
    )
    count = forms.IntegerField(label=gettext_lazy("Number of times"), required=False, min_value=1, max_value=999)

    def __init__(
        self,
        user: User,
        *args: Any,
        activity: Activity | None = None,
        entry: Entry | None = None,
        shown: Occurrence | None = None,
        why_locked: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        #: The activity as it is, when one is edited, and what was opened: the whole, or one occurrence.
        self.activity, self.entry, self.shown = activity, entry, shown
        #: Why what is the organizer's cannot be changed here; "" when it can.
        self.why_locked = why_locked
        for name in _THE_ORGANIZERS if why_locked else ():
            self.fields[name].disabled = True
        types = ActivityType.objects.of(user.organization)
        chosen = self.fields["type"]
        assert isinstance(chosen, TypeChoice)
        present = activity.type_id if activity else None
        chosen.queryset = types.filter(Q(is_active=True) | Q(pk=present)).order_by("name")

    @property
    def is_new(self) -> bool:
        return not (self["id"].value() or "")

    @property
    def rule_text(self) -> str:
        rule = self.entry.recurrence if self.entry else None
        return rule.rule if isinstance(rule, Inexpressible) else ""

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        pair = ("first_day", "last_day") if values.get("all_day") else ("start", "end")
        first, last = (values.get(name) for name in pair)
        for name, value in zip(pair, (first, last), strict=True):
            if value is None and name not in self.errors:
                self.add_error(name, _("Say when."))
        if first and last and last < first:
            self.add_error(pair[1], _("The end lies before the start."))
        elif last and last.year == _LAST_YEAR:
            self.add_error(pair[1], _("Choose an earlier year."))
        if values.get("frequency") and values.get("ends") in ("until", "count") and not values.get(values["ends"]):
            self.add_error(values["ends"], _("Say when the series ends."))
        return values

    def changes(self) -> dict[str, Any]:
        """What shall be written, as `activities.services` takes it; of an edited one, what is different."""
        values, changed = self.cleaned_data, set(self.changed_data)
        wanted = {name: values[name] for name in ("name", "location", "notes", "type", "participants")}
        if self.entry is None:
            return wanted | {"when": self.when(), "recurrence": self.recurrence()}
        changes = {name: value for name, value in wanted.items() if name in changed}
        if changed & _TIMES[values["all_day"]]:
            changes["when"] = self.when()
        if changed & _RULE and not self.rule_text:
            changes["recurrence"] = self.recurrence()
        return changes

    def when(self) -> When:
        values = self.cleaned_data
        if values["all_day"]:
            return AllDay(values["first_day"], values["last_day"] + timedelta(days=1))
        zone, end_zone = self.user.zone, None
        if self.entry is not None and isinstance(self.entry.when, Timed):
            zone, end_zone = self.entry.when.zone, self.entry.when.end_zone
        shown_in = self.user.zone
        return Timed(
            times.to_instant(values["start"], shown_in), times.to_instant(values["end"], shown_in), zone, end_zone
        )

    def recurrence(self) -> Recurrence | None:
        values = self.cleaned_data
        if not values["frequency"]:
            return None
        frequency = Frequency(values["frequency"])
        start = times.local_day(self.when())
        ends = values["ends"]
        rule: dict[str, Any] = {"interval": (values["interval"] or 1) if frequency is not Frequency.YEARLY else 1}
        rule["until"] = values["until"] if ends == "until" else None
        rule["count"] = values["count"] if ends == "count" else None
        if frequency is Frequency.WEEKLY:
            days = tuple(Weekday(int(day)) for day in values["weekdays"])
            rule["weekdays"] = days or (Weekday(start.weekday()),)
        elif frequency in (Frequency.MONTHLY, Frequency.YEARLY):
            rule |= _monthly(values["by"], start)
            if frequency is Frequency.YEARLY:
                rule["month"] = start.month
        return Recurrence(frequency, **rule)

    def clean_participants(self) -> list[Guest]:
        there = people.guests_of(self.activity)
        return [people.read(text, self.user, there) for text in self.cleaned_data["participants"]]

    @property
    def listed(self) -> list[people.Row]:
        """Those on the list as it stands in the form, what cannot be read apart."""
        there = people.guests_of(self.activity)
        guests: dict[str, Guest] = {}
        for text in self["participants"].value() or ():
            with suppress(forms.ValidationError):
                guest = people.read(text, self.user, there)
                guests.setdefault(guest.folded_address or guest.name, guest)
        return people.rows(list(guests.values()), self.user)


def _monthly(by: str, start: date) -> dict[str, Any]:
    if by not in ("position", "last"):
        return {"day_of_month": start.day}
    position = _LAST if by == "last" or start.day > 28 else (start.day - 1) // 7 + 1
    return {"position": position, "weekdays": (Weekday(start.weekday()),)}


def initial_of(activity: Activity, entry: Entry, shown: Occurrence, zone: str) -> dict[str, Any]:
    """The form's values for an activity, or for one occurrence of it (`shown`), in the user's zone."""
    values: dict[str, Any] = {
        "name": shown.title,
        "type": activity.type.guid,
        "location": shown.place,
        "notes": shown.text,
        "version": activity.version,
        "id": activity.psa_id,
        "participants": [people.written(guest) for guest in people.guests_of(activity)],
        **initial_times(shown.when, zone),
    }
    rule = entry.recurrence
    if rule is not None:
        values["series"] = "1"
    if isinstance(rule, Recurrence):
        values |= {
            "frequency": rule.frequency.value,
            "interval": rule.interval,
            "weekdays": [day.value for day in rule.weekdays],
            "by": "date" if rule.position is None else ("last" if rule.position == _LAST else "position"),
            "ends": "until" if rule.until else "count" if rule.count else "never",
            "until": rule.until,
            "count": rule.count,
        }
    return values


def initial_times(when: When, zone: str) -> dict[str, Any]:
    if isinstance(when, AllDay):
        last = when.end - timedelta(days=1)
        noon = datetime.combine(when.first, datetime.min.time()) + timedelta(hours=9)
        return {
            "all_day": True,
            "first_day": when.first,
            "last_day": last,
            "start": noon,
            "end": noon + timedelta(hours=1),
        }
    start, end = (times.to_wall(moment, zone).replace(second=0, microsecond=0) for moment in (when.start, when.end))
    return {"all_day": False, "start": start, "end": end, "first_day": start.date(), "last_day": end.date()}
