"""What a plan does about a mark: two entries kept apart on purpose (rule 4.9), until the reason ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from samklang.engine.actions import Forget
from samklang.engine.changes import Change, Pair
from samklang.engine.context import Context
from samklang.engine.linked import Actions, make_activity_again, make_event_again, plan_pair
from samklang.engine.model import Link, LinkStatus, SeenEvent
from samklang.engine.rules import is_ticked

#: Marks that end when the event is back, and those that end when the activity is the user's again (rules 4.9, 8.2).
_ENDS_WITH_EVENT = frozenset({"8.2", "4.5"})
_ENDS_WITH_ACTIVITY = frozenset({"4.7", "4.8"})


@dataclass(frozen=True)
class Marks:
    """Plans for the marks of a mailbox."""

    context: Context
    #: Events no link joins, by their identity.
    event_by_uid: Mapping[str, SeenEvent]
    #: To be told of a link whose entries are joined: they are nobody else's.
    take: Callable[[Link], None]

    def plan(self, link: Link) -> Actions:
        """Two entries kept apart stay apart until the reason ends."""
        found = self.context.pair(link)
        if found.psa is Change.GONE and (found.exchange is Change.GONE or link.item_id is None):
            return [Forget(link, "4.9")]
        if link.reason in _ENDS_WITH_EVENT:
            event = found.event or self.event_by_uid.get(link.uid)
            if event is not None and not event.is_cancelled:
                return self._event_is_back(link, event)
        elif link.reason in _ENDS_WITH_ACTIVITY:
            activity = found.activity
            if activity is not None and (link.reason != "4.8" or is_ticked(activity.type_id, self.context.rules)):
                return self._activity_is_back(found)
        return []

    def _event_is_back(self, link: Link, event: SeenEvent) -> Actions:
        link = replace(link, status=LinkStatus.LINKED, item_id=event.id, reason="")
        self.take(link)
        found = self.context.pair(link)
        if found.psa is Change.GONE:
            return make_activity_again(found, self.context, "8.2")
        return plan_pair(found, self.context, renew=True)

    def _activity_is_back(self, found: Pair) -> Actions:
        activity = found.activity
        assert activity is not None
        link = replace(found.link, status=LinkStatus.LINKED, type_id=activity.type_id, reason="")
        found = self.context.pair(link)
        if found.exchange is Change.GONE:
            return make_event_again(found, self.context, "1.5")
        return plan_pair(found, self.context, renew=True)
