"""What a person does in Outlook with a meeting: the change itself, and the mails he lets Outlook send."""

from __future__ import annotations

from datetime import date

from samklang.sandbox import calendar, entries, meetings, recurrence
from samklang.sandbox.entries import EntryFields
from samklang.sandbox.meetings import Told
from samklang.sandbox.model import DELETED, Attendee, Item, Mailbox, Response, merged
from samklang.sandbox.store import Store


def create(store: Store, mailbox: Mailbox, given: EntryFields, told: Told) -> Item:
    """Raises ValueError as `entries.create` does."""
    with store.by_person():
        item = entries.create(store, mailbox, given)
        if told != "none":
            meetings.invite(store, mailbox, item, item.attendees)
    return item


def change(store: Store, mailbox: Mailbox, item: Item, given: EntryFields, day: date | None, told: Told) -> Item:
    """An entry, or one date of a series. On somebody else's meeting it changes this copy alone, and tells nobody."""
    before = _people(item, day)
    with store.by_person():
        item = entries.change(store, item, given, day)
        if told != "none" and item.is_organizer:
            if day is None:
                meetings.update(store, mailbox, item, before, told=told)
            else:
                meetings.update_date(store, mailbox, item, day, before, told=told)
    return item


def delete(store: Store, mailbox: Mailbox, item: Item, day: date | None, told: Told) -> None:
    """Told, a meeting one organizes is cancelled. An attendee's copy goes without a word."""
    people = _people(item, day) if told != "none" and item.is_organizer else []
    with store.by_person():
        if day is None:
            meetings.cancel(store, mailbox, item, people)
            calendar.delete(store, item, to=DELETED)
        else:
            meetings.cancel_date(store, mailbox, item, day, people)
            calendar.cancel_occurrence(store, item, day)


def respond(
    store: Store, mailbox: Mailbox, item: Item, response: Response, day: date | None, *, mail: bool, anew: bool
) -> None:
    """Raises ValueError for one's own meeting."""
    if item.is_organizer:
        raise ValueError("One's own meeting takes no answer.")
    with store.by_person():
        meetings.respond(store, mailbox, item, response, mail=mail, original=day, anew=anew and day is None)


def _people(item: Item, day: date | None) -> list[Attendee]:
    place = recurrence.series_of(item).occurrence(day) if day else None
    whole = item if place is None else merged(item, item.exceptions.get(place.original), place.start, place.end)
    return list(whole.attendees)
