"""Drives an Exchange with exchangelib: a JSON order per line of standard input, a JSON answer per line of standard
output.

Order: {"ews", "ca_file", "username", "password", "auth", "address", "access", "version", "steps": [{"do": …}, …]}.
Answer: a list, one result per step; a step that raised gives {"error": class name, "message": text}.
A step may name the result of an earlier one: "$0.id" is the id of the first.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
from typing import Any

import exchangelib as x
import exchangelib_plain as plain
from exchangelib import recurrence as r
from exchangelib.autodiscover.protocol import AutodiscoverProtocol
from exchangelib.extended_properties import ExtendedProperty
from exchangelib.items import CalendarItem
from exchangelib.properties import ItemId
from exchangelib.protocol import CachingProtocol
from exchangelib.services import ResolveNames


class Mark(ExtendedProperty):  # type: ignore[misc]
    """A property as a sync product would keep one."""

    property_set_id = "5f2b8c0a-1111-4b7e-9a55-0d7f6a3b9c01"
    property_name = "OracleMark"
    property_type = "String"


CalendarItem.register("mark", Mark)


def connect(order: dict[str, Any]) -> x.Account:
    config = x.Configuration(
        service_endpoint=order["ews"],
        credentials=x.Credentials(order["username"], order["password"]),
        auth_type={"ntlm": x.NTLM, "basic": x.BASIC, None: None}[order.get("auth", "basic")],
        version=VERSIONS[order["version"]] if order.get("version") else None,
    )
    access = {"impersonation": x.IMPERSONATION, "delegate": x.DELEGATE}[order.get("access", "impersonation")]
    return x.Account(
        order["address"],
        config=config,
        access_type=access,
        autodiscover=False,
        default_timezone=x.EWSTimeZone("Europe/Stockholm"),
    )


VERSIONS = {
    "2010": x.Version(x.Build(14, 0)),
    "2010_sp1": x.Version(x.Build(14, 1)),
    "2010_sp2": x.Version(x.Build(14, 3)),
    "2013": x.Version(x.Build(15, 0, 516)),
    "2013_sp1": x.Version(x.Build(15, 0, 847)),
    "2016": x.Version(x.Build(15, 1)),
}


def when(text: str, zone: str, all_day: bool) -> Any:
    if all_day:
        return x.EWSDate.from_date(dt.date.fromisoformat(text))
    moment = dt.datetime.fromisoformat(text)
    return x.EWSDateTime.from_datetime(moment.replace(tzinfo=x.EWSTimeZone(zone)))


def fields_of(step: dict[str, Any], item: CalendarItem | None) -> dict[str, Any]:
    zone, all_day = step.get("zone", "Europe/Stockholm"), step.get("is_all_day", bool(item and item.is_all_day))
    fields = {}
    for name, value in step.get("fields", {}).items():
        if name in ("start", "end"):
            fields[name] = when(value, zone, all_day)
        elif name == "recurrence":
            fields[name] = recurrence(value)
        elif name == "html":
            fields["body"] = x.HTMLBody(value)
        elif name in ("required_attendees", "optional_attendees"):
            fields[name] = [
                x.Attendee(mailbox=x.Mailbox(email_address=a, name=a), response_type="Unknown") for a in value
            ]
        else:
            fields[name] = value
    if "is_all_day" in step:
        fields["is_all_day"] = step["is_all_day"]
    return fields


def recurrence(given: dict[str, Any]) -> r.Recurrence:
    pattern = dict(given["pattern"])
    made = getattr(r, pattern.pop("kind") + "Pattern")
    if "weekdays" in pattern:
        pattern["weekdays"] = [day.capitalize() for day in pattern["weekdays"]]
    if "weekday" in pattern:
        pattern["weekday"] = pattern["weekday"].capitalize()
    boundary = {k: x.EWSDate.fromisoformat(v) if k in ("start", "end") else v for k, v in given["boundary"].items()}
    return r.Recurrence(pattern=made(**pattern), **boundary)


def shown(item: Any) -> Any:
    if isinstance(item, Exception):
        return {"error": type(item).__name__, "message": str(item)}
    wanted = (
        *("id", "changekey", "uid", "subject", "location", "is_all_day", "sensitivity", "categories", "type"),
        *("legacy_free_busy_status", "reminder_is_set", "reminder_minutes_before_start", "text_body", "mark"),
        *("my_response_type", "appointment_state", "is_meeting", "is_recurring", "is_cancelled", "is_organizer"),
    )
    told = {name: getattr(item, name) for name in wanted if getattr(item, name, None) is not None}
    for name in ("start", "end", "original_start", "recurrence_id", "datetime_created", "last_modified_time"):
        if getattr(item, name, None) is not None:
            told[name] = getattr(item, name).isoformat()
    if item.body is not None:
        told["body"], told["body_kind"] = str(item.body), type(item.body).__name__
    if item.organizer is not None:
        told["organizer"] = item.organizer.email_address
    if item._start_timezone is not None:
        told["zone"] = item._start_timezone.key
    lists = (("required", item.required_attendees), ("optional", item.optional_attendees), ("resource", item.resources))
    told["people"] = [
        [kind, each.mailbox.email_address, each.response_type] for kind, people in lists for each in people or ()
    ]
    told["attendees"] = [a.mailbox.email_address for a in item.required_attendees or ()]
    if item.recurrence is not None:
        told["recurrence"] = repr(item.recurrence)
    told["modified"] = [[str(o.original_start), str(o.start), o.id] for o in item.modified_occurrences or ()]
    told["deleted"] = [str(o.start) for o in item.deleted_occurrences or ()]
    return told


class Steps:
    def __init__(self, account: x.Account) -> None:
        self.account, self.calendar, self.state = account, account.calendar, None

    def _get(self, id: str) -> CalendarItem:
        (item,) = self.account.fetch(ids=[ItemId(id=id)])
        if isinstance(item, Exception):
            raise item
        return item

    def create(self, step: dict[str, Any]) -> Any:
        item = CalendarItem(account=self.account, folder=self.calendar, **fields_of(step, None))
        item.save(send_meeting_invitations=step.get("send", "SendToNone"))
        return {"id": item.id, "changekey": item.changekey}

    def get(self, step: dict[str, Any]) -> Any:
        return shown(self._get(step["id"]))

    def update(self, step: dict[str, Any]) -> Any:
        item = self._get(step["id"]) if "index" not in step else self._nth(step)
        if "changekey" in step:
            item.changekey = step["changekey"]
        fields = fields_of(step, item)
        for name, value in fields.items():
            setattr(item, name, value)
        item.save(
            update_fields=list(fields),
            send_meeting_invitations=step.get("send", "SendToNone"),
            conflict_resolution=step.get("conflict", "AutoResolve"),
        )
        return {"id": item.id, "changekey": item.changekey}

    def _nth(self, step: dict[str, Any]) -> CalendarItem:
        item = self._get(step["id"]).occurrence(index=step["index"])
        item.refresh()
        return item

    def occurrence(self, step: dict[str, Any]) -> Any:
        return shown(self._nth(step))

    def master(self, step: dict[str, Any]) -> Any:
        found = self._get(step["id"]).recurring_master()
        found.refresh()
        return shown(found)

    def delete(self, step: dict[str, Any]) -> Any:
        item = self._get(step["id"]) if "index" not in step else self._nth(step)
        how = {"hard": item.delete, "soft": item.soft_delete, "trash": item.move_to_trash}[step.get("how", "hard")]
        how(send_meeting_cancellations=step.get("send", "SendToNone"))
        return {}

    def answer(self, step: dict[str, Any]) -> Any:
        """`how`: accept, tentatively_accept, decline or cancel; `send`: the message disposition."""
        # It asks where to keep a message that is not sent.
        kept = {"message_disposition": step["send"], "folder": self.account.drafts} if "send" in step else {}
        getattr(self._get(step["id"]), step["how"])(**kept)
        return {}

    def all(self, step: dict[str, Any]) -> Any:
        return [shown(item) for item in self.calendar.all().order_by(*step.get("order", ["subject"]))]

    def view(self, step: dict[str, Any]) -> Any:
        zone = step.get("zone", "Europe/Stockholm")
        found = self.calendar.view(start=when(step["start"], zone, False), end=when(step["end"], zone, False))
        return [shown(item) for item in found]

    def filter(self, step: dict[str, Any]) -> Any:
        return [shown(item) for item in self.calendar.filter(**step["by"])]

    def count(self, step: dict[str, Any]) -> Any:
        self.calendar.refresh()
        return self.calendar.total_count

    def sync(self, step: dict[str, Any]) -> Any:
        fields = {} if step.get("all_fields") else {"only_fields": []}
        found = self.calendar.sync_items(
            sync_state=step.get("state"), max_changes_returned=step.get("page", 100), **fields
        )
        listed = [[kind, item.id if hasattr(item, "id") else str(item)] for kind, item in found]
        return {"changes": listed, "state": self.calendar.item_sync_state}

    def resolve(self, step: dict[str, Any]) -> Any:
        found = ResolveNames(self.account.protocol).call([step["name"]])
        return [getattr(mailbox, "email_address", str(mailbox)) for mailbox in found]

    def version(self, step: dict[str, Any]) -> Any:
        return [str(self.account.version.build), self.account.version.api_version]

    def listen(self, step: dict[str, Any]) -> Any:
        """Subscribes, creates an entry, and gives what one streaming connection told until the server closed it."""
        with self.calendar.streaming_subscription() as id:
            self.create(step)
            told = self.calendar.get_streaming_events(id, connection_timeout=1)
            return [[type(event).__name__, event.item_id.id] for notice in told for event in notice.events]

    def listen_in_vain(self, step: dict[str, Any]) -> Any:
        """Listens to a subscription that was given up before."""
        id = self.calendar.subscribe_to_streaming()
        self.calendar.unsubscribe(id)
        return list(self.calendar.get_streaming_events(id, connection_timeout=1))

    def read_plain(self, step: dict[str, Any]) -> Any:
        return plain.read(self.account, step["ids"])

    def dates_plain(self, step: dict[str, Any]) -> Any:
        return plain.dates(self.account, step["start"], step["end"])

    def write_plain(self, step: dict[str, Any]) -> Any:
        return plain.write(self.account, step["meant"])

    def user_settings(self, step: dict[str, Any]) -> Any:
        """What Autodiscover's SOAP document `at` says of an address."""
        own = self.account.protocol.config
        config = x.Configuration(
            service_endpoint=step["at"], credentials=own.credentials, auth_type=own.auth_type, retry_policy=x.FailFast()
        )
        told = AutodiscoverProtocol(config=config).get_user_settings(user=step["address"])
        if not told.user_settings:
            return {name: getattr(told, name) for name in ("error_code", "redirect_url", "redirect_address")}
        return {"ews": told.ews_url, "address": told.autodiscover_smtp_address, "version": told.version.api_version}

    def folders(self, step: dict[str, Any]) -> Any:
        return [folder.name for folder in self.account.msg_folder_root.children]


def filled(value: Any, results: list[Any]) -> Any:
    """The step with "$n.name" replaced by what an earlier step gave."""
    if isinstance(value, str) and value.startswith("$"):
        number, _, path = value[1:].partition(".")
        found = results[int(number)]
        for part in path.split(".") if path else ():
            found = found[int(part)] if part.isdigit() else found[part]
        return found
    if isinstance(value, dict):
        return {name: filled(inner, results) for name, inner in value.items()}
    return [filled(inner, results) for inner in value] if isinstance(value, list) else value


def obeyed(order: dict[str, Any]) -> list[Any]:
    os.environ["REQUESTS_CA_BUNDLE"] = order["ca_file"]  # read by requests with every request
    CachingProtocol.clear_cache()  # as if this process had just started: no connection, no version known
    results: list[Any] = []
    try:
        steps = Steps(connect(order))
    except Exception as error:
        return [{"error": type(error).__name__, "message": str(error)}]
    for given in order["steps"]:
        step = filled(given, results)
        try:
            results.append(getattr(steps, step["do"])(step))
        except Exception as error:
            results.append({"error": type(error).__name__, "message": str(error)})
    return results


for line in sys.stdin:
    print(json.dumps(obeyed(json.loads(line)), default=str), flush=True)
