"""The activity dialog: one form for single entries, occurrences and series."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.core.validators import validate_email
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from samklang.accounts.models import User
from samklang.activities.models import Activity, ActivityType
from samklang.activities.services import Guest
from samklang.engine import times
from samklang.engine.model import AllDay, Entry, Frequency, Inexpressible, Recurrence, Timed, Weekday, When

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


class TypeChoice(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return str(obj.name)


class ActivityForm(forms.Form):
    """Times are wall times in the user's zone; a series keeps the zone it was made in."""

    id = forms.CharField(required=False, widget=forms.HiddenInput)
    #: Original date of the occurrence that was opened.
    day = forms.DateField(required=False, widget=forms.HiddenInput)
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    series = forms.CharField(required=False, widget=forms.HiddenInput)
    name = forms.CharField(label=gettext_lazy("Name"), max_length=500)
    type = TypeChoice(label=gettext_lazy("Activity type"), queryset=None, to_field_name="guid", empty_label=None)
    all_day = forms.BooleanField(label=gettext_lazy("All day"), required=False)
    start = forms.DateTimeField(
        label=gettext_lazy("Starts"), required=False, widget=forms.DateTimeInput({"type": "datetime-local"}, _WALL)
    )
    end = forms.DateTimeField(
        label=gettext_lazy("Ends"), required=False, widget=forms.DateTimeInput({"type": "datetime-local"}, _WALL)
    )
    first_day = forms.DateField(
        label=gettext_lazy("First day"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d")
    )
    last_day = forms.DateField(
        label=gettext_lazy("Last day"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d")
    )
    location = forms.CharField(label=gettext_lazy("Place"), required=False, max_length=1000)
    notes = forms.CharField(label=gettext_lazy("Notes"), required=False, widget=forms.Textarea({"rows": 3}))
    participants = forms.CharField(
        label=gettext_lazy("Participants"),
        required=False,
        help_text=gettext_lazy("E-mail addresses, separated by commas: colleagues and others."),
    )
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
    interval = forms.IntegerField(label=gettext_lazy("Every … time"), required=False, min_value=1, max_value=99)
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

    def __init__(self, user: User, *args: Any, entry: Entry | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        #: The activity as it is, when one is edited.
        self.entry = entry
        types = ActivityType.objects.of(user.organization).filter(is_active=True).order_by("name")
        chosen = self.fields["type"]
        assert isinstance(chosen, TypeChoice)
        chosen.queryset = types

    @property
    def is_new(self) -> bool:
        return not (self["id"].value() or "")

    @property
    def rule_text(self) -> str:
        rule = self.entry.recurrence if self.entry else None
        return rule.rule if isinstance(rule, Inexpressible) else ""

    def clean_start(self) -> datetime | None:
        return _naive(self.cleaned_data["start"])

    def clean_end(self) -> datetime | None:
        return _naive(self.cleaned_data["end"])

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        pair = ("first_day", "last_day") if values.get("all_day") else ("start", "end")
        first, last = (values.get(name) for name in pair)
        for name, value in zip(pair, (first, last), strict=True):
            if value is None and name not in self.errors:
                self.add_error(name, _("Say when."))
        if first and last and last < first:
            self.add_error(pair[1], _("The end lies before the start."))
        if values.get("frequency") and values.get("ends") in ("until", "count") and not values.get(values["ends"]):
            self.add_error(values["ends"], _("Say when the series ends."))
        return values

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

    def recurrence(self) -> Recurrence | Inexpressible | None:
        values = self.cleaned_data
        if self.rule_text and self.entry is not None:
            return self.entry.recurrence if isinstance(self.entry.recurrence, Inexpressible) else None
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
        addresses = [a.strip() for a in self.cleaned_data["participants"].replace(";", ",").split(",") if a.strip()]
        wrong = []
        for address in addresses:
            try:
                validate_email(address)
            except forms.ValidationError:
                wrong.append(address)
        if wrong:
            raise forms.ValidationError(_("No e-mail address: %(wrong)s") % {"wrong": ", ".join(wrong)})
        return [Guest(address=address) for address in addresses]


def _monthly(by: str, start: date) -> dict[str, Any]:
    if by not in ("position", "last"):
        return {"day_of_month": start.day}
    position = _LAST if by == "last" or start.day > 28 else (start.day - 1) // 7 + 1
    return {"position": position, "weekdays": (Weekday(start.weekday()),)}


def _naive(moment: datetime | None) -> datetime | None:
    """What was typed: Django made it aware in its own zone."""
    return moment.replace(tzinfo=None) if moment else None


def initial_of(activity: Activity, entry: Entry, shown: Any, zone: str) -> dict[str, Any]:
    """The form's values for an activity, or for one occurrence of it (`shown`), in the user's zone."""
    values: dict[str, Any] = {
        "name": shown.title,
        "type": activity.type.guid,
        "location": shown.place,
        "notes": shown.text,
        "version": activity.version,
        "id": activity.psa_id,
        "participants": ", ".join(p.shown_address for p in activity.participants.all() if p.shown_address),
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
    start, end = times.to_wall(when.start, zone), times.to_wall(when.end, zone)
    return {"all_day": False, "start": start, "end": end, "first_day": start.date(), "last_day": end.date()}
