"""Every case runs over EWS (Exchange SE) and over Graph, with the built-in calendar, with Severa and with another
Samklang's Severa-compatible API as the PSA; with the built-in calendar also over the EWS of Exchange 2007 SP1. It ends
with what must hold after every case.

In every run is the built-in calendar on Exchange SE and on Graph, and a few of the quickest of the others; these are in
the whole matrix (`./run test --full`).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

import pytest

from tests.sandbox_client import Sandbox

if TYPE_CHECKING:
    from tests.acceptance.psa import Psa
    from tests.acceptance.world import World
    from tests.installation import Installation

_HERE = Path(__file__).parent
#: Those that run each time with Severa over EWS, and on Exchange 2007.
QUICK = {
    "test_case_02_an_activity_of_a_ticked_type_becomes_one_event",
    "test_case_05_an_event_becomes_one_activity_of_the_default_type_owned_by_its_user",
    "test_case_22_a_changed_subject_is_one_write_of_that_field",
    "test_a_deleted_activity_takes_its_event_along",
    "test_a_deleted_event_takes_its_activity_along",
    "test_case_68_the_same_six_fields_are_linked_without_a_write",
    "test_case_91_a_week_that_starts_on_monday_keeps_its_dates",
    "test_case_110_one_renamed_occurrence_is_renamed_alone",
    "test_case_164_made_private_later_it_is_masked_from_the_next_run_on",
    "test_a_meeting_is_owned_by_its_organizer_and_colleagues_take_part_though_they_do_not_sync",
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Marks of a case: `only("ews")` where it is about one protocol, `not_in_severa(reason)` where it is about what the
    built-in calendar alone has, `not_elsewhere(reason)` where the other Samklang would show what tests do."""
    if "office" not in metafunc.fixturenames:
        return
    marks = {mark.name: mark for mark in metafunc.definition.iter_markers()}
    protocols = marks["only"].args if "only" in marks else ("ews", "graph")
    quick = metafunc.definition.name in QUICK
    chosen = [pytest.param(protocol, id=protocol) for protocol in protocols]
    if "ews" in protocols:
        chosen.append(_case("ews", "2007", quick))
    if "not_in_severa" not in marks:
        psas = ("severa",) if "not_elsewhere" in marks else ("severa", "elsewhere")
        others = [(psa, protocol) for psa in psas for protocol in protocols]
        chosen += [_case(protocol, psa, quick and protocol == "ews") for psa, protocol in others]
    metafunc.parametrize("office", chosen, indirect=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each case is in every run over both protocols. Where it has variants, the first is; the others take turns, one
    over EWS, the next over Graph, and over both in the whole matrix."""
    variants_of: dict[str, list[str]] = {}
    for item in items:
        if not _takes_turns(item):
            continue
        params = dict(item.callspec.params)
        protocol = params.pop("office")
        variants = variants_of.setdefault(f"{item.path}::{item.originalname}", [])
        if str(params) not in variants:
            variants.append(str(params))
        number = variants.index(str(params))
        if number and protocol == ("ews", "graph")[number % 2]:
            item.add_marker(pytest.mark.full)


def _takes_turns(item: pytest.Item) -> TypeGuard[pytest.Function]:
    is_case = isinstance(item, pytest.Function) and item.path.parent == _HERE and "office" in item.fixturenames
    return is_case and not item.get_closest_marker("full") and not item.get_closest_marker("only")


def _case(protocol: str, other: str, quick: bool) -> Any:
    """With another PSA or on another server."""
    return pytest.param(f"{protocol} {other}", id=f"{protocol}-{other}", marks=() if quick else pytest.mark.full)


@pytest.fixture
def office(request: pytest.FixtureRequest, sandbox: Sandbox, db: None) -> Iterator[World]:
    """Alice and Bob, nobody syncing yet: for cases about the first run."""
    from tests.acceptance.world import World

    protocol, _space, other = request.param.partition(" ")
    if other == "2007":
        world = World(sandbox, protocol, server="2007_sp1")
    elif other:
        world = World(sandbox, protocol, request.getfixturevalue(other), in_severa=True)
    else:
        world = World(sandbox, protocol)
    yield world
    world.close()


@pytest.fixture
def severa(no_pace: None) -> Callable[[Installation], Psa]:
    from tests.acceptance.in_severa import InSevera

    return InSevera


@pytest.fixture
def elsewhere(no_pace: None, tables_elsewhere: None, monkeypatch: pytest.MonkeyPatch) -> Callable[[Installation], Psa]:
    from tests.acceptance.elsewhere import Elsewhere

    return lambda installation: Elsewhere(installation, monkeypatch)


@pytest.fixture
def no_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests to the PSA follow each other."""
    from samklang.severa import slots

    monkeypatch.setattr("samklang.severa.opening.SharedSlots", lambda access, speed: slots.SharedSlots(access, 1e6))


@pytest.fixture(scope="session")
def tables_elsewhere(django_db_setup: None, django_db_blocker: Any) -> None:
    from tests.acceptance.elsewhere import made

    with django_db_blocker.unblock():
        made()


@pytest.fixture
def world(office: World) -> World:
    """Alice syncs: her first run, over two empty calendars, is done."""
    return office.started(office.alice)


@pytest.fixture
def both(office: World) -> World:
    """Alice and Bob sync."""
    return office.started(office.alice, office.bob)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
    """Part of each case, so that a case fails by it: see `World.is_at_rest`."""
    result = yield
    office = pyfuncitem.funcargs.get("office")
    if office is not None:
        try:
            office.is_at_rest()
        finally:
            pyfuncitem.user_properties += office.figures.items()
            # For the table.
            pyfuncitem.user_properties += [
                ("not in Severa", mark.args[0]) for mark in pyfuncitem.iter_markers("not_in_severa")
            ]
    return result
