"""The control API's part about what people do in Severa's own pages."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from samklang.sandbox.control_answers import Operation, Problem, answer, read, window
from samklang.sandbox.severa import people
from samklang.sandbox.severa.call import NotFoundError
from samklang.sandbox.severa.control_forms import SetStatus
from samklang.sandbox.severa.model import Activity, User
from samklang.sandbox.severa.people import ActivityFields, NewParticipant
from samklang.sandbox.severa.service import Severa, Target, base
from samklang.sandbox.store import Store

_BY = {
    "by": "Who does it, by address or guid; the activity's owner where it is left out.",
    "occurrence": "The original date (YYYY-MM-DD) of one occurrence of a series; without it, the whole.",
}
_ONE = "/severa/activities/{guid}"
OPERATIONS = (
    Operation(
        "POST", "/severa/users/{user}/activities", "create_activity", "A user makes one", ActivityFields, status=201
    ),
    Operation(
        "GET",
        "/severa/users/{user}/activities",
        "list_activities",
        "What he owns or takes part in: singles, series and exceptions; expanded: occurrences",
        query={"expand": "FROM/TO (ISO times): what touches the window, by start"},
    ),
    Operation("GET", _ONE, "show_activity", "One activity", query={"occurrence": _BY["occurrence"]}),
    Operation("PATCH", _ONE, "change_activity", "A user edits", ActivityFields, _BY),
    Operation("DELETE", _ONE, "delete_activity", "A user deletes, for good", None, _BY, 204),
    Operation("POST", _ONE + "/participants", "add_participant", "A user adds somebody", NewParticipant, _BY, 201),
    Operation("DELETE", _ONE + "/participants/{who}", "remove_participant", "A user removes somebody", None, _BY, 204),
    Operation("POST", _ONE + "/answer", "answer_activity", "A participant (`by`) answers", SetStatus, _BY, 204),
)


class People:
    """One method per operation."""

    def __init__(self, store: Store) -> None:
        self._severa = Severa(store)

    def _user(self, name: str) -> User:
        for organization in self._severa.records.organizations():
            user = self._severa.user_named(organization.key, name)
            if user is not None:
                return user
        raise Problem(404, f"Severa has no user {name}.")

    def _target(self, request: web.Request) -> Target:
        guid, day = request.match_info["guid"], request.query.get("occurrence")
        try:
            target = self._severa.target(guid)
            return people.occurrence(self._severa, target, day) if day else target
        except NotFoundError as error:
            raise Problem(404, "Severa has no such activity.") from error

    def _named(self, request: web.Request) -> tuple[User, Target]:
        """Who acts, on what."""
        target, name = self._target(request), request.query.get("by")
        return self._user(name or base(target).body.owner_user.guid), target

    def _shown(self, target: Target, status: int = 200) -> web.Response:
        return answer(people.described(self._severa, target), status)

    async def create_activity(self, request: web.Request) -> web.Response:
        user, given = self._user(request.match_info["user"]), await read(request, ActivityFields)
        return self._shown(people.create(self._severa, user, given), 201)

    async def list_activities(self, request: web.Request) -> web.Response:
        user, expand = self._user(request.match_info["user"]), request.query.get("expand")
        found: list[Any] = list(people.activities_of(self._severa, user))
        if expand:
            found = people.expanded(self._severa, user, *window(expand))
        return answer([people.described(self._severa, each) for each in found])

    async def show_activity(self, request: web.Request) -> web.Response:
        return self._shown(self._target(request))

    async def change_activity(self, request: web.Request) -> web.Response:
        (user, target), given = self._named(request), await read(request, ActivityFields)
        return self._shown(people.change(self._severa, user, target, given))

    async def delete_activity(self, request: web.Request) -> web.Response:
        people.delete(self._severa, *self._named(request))
        return web.Response(status=204)

    async def add_participant(self, request: web.Request) -> web.Response:
        (user, target), given = self._named(request), await read(request, NewParticipant)
        row = people.add_participant(self._severa, user, target, given)
        activity = self._severa.records.get(Activity, row.activity)
        assert activity is not None
        return self._shown(activity, 201)

    async def remove_participant(self, request: web.Request) -> web.Response:
        people.remove_participant(self._severa, *self._named(request), request.match_info["who"])
        return web.Response(status=204)

    async def answer_activity(self, request: web.Request) -> web.Response:
        (user, target), given = self._named(request), await read(request, SetStatus)
        people.answer(self._severa, user, target, given.status)
        return web.Response(status=204)
