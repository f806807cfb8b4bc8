"""The mirror in the database: who hears of what, what is kept and for how long."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from samklang.connectors.severa.mirror import Creation, Row
from samklang.jobs import worker
from samklang.severa import models
from samklang.severa.mirror import DjangoMirror
from tests.people import People, people

pytestmark = pytest.mark.django_db


@pytest.fixture
def them() -> People:
    return people()


@pytest.fixture
def mirror(them: People) -> DjangoMirror:
    return DjangoMirror(them.company.pk)


def row(id_: str, *users: str, content: bytes = b'"Board meeting"', gone: bool = False) -> Row:
    return Row(id_, frozenset(users), content, gone)


def ids(rows: object) -> list[str]:
    return [one.id for one in rows]  # type: ignore[attr-defined]


def test_each_hears_of_what_concerns_him_once_and_of_leaving_it(mirror: DjangoMirror) -> None:
    mirror.put([row("a", "anna", "bo"), row("b", "anna")])
    begun = mirror.newest()
    assert (ids(mirror.since(0, "anna")), ids(mirror.since(0, "bo"))) == (["a", "b"], ["a"])
    mirror.put([row("a", "anna")])
    left = mirror.newest()
    assert ids(mirror.since(begun, "bo")) == ["a"]
    assert ids(mirror.of_user("bo")) == []
    mirror.put([row("a", "anna")])
    assert ids(mirror.since(begun, "bo")) == ["a"], "who has not read yet still hears"
    assert ids(mirror.since(left, "bo")) == [], "who has heard does not"
    mirror.put([row("a", "bo")])
    assert (ids(mirror.since(left, "bo")), ids(mirror.of_user("bo"))) == (["a"], ["a"])


def test_another_organization_sees_nothing_of_it(them: People, mirror: DjangoMirror) -> None:
    mirror.put([row("a", "anna")])
    mirror.save_creation("key", Creation(b"1", "a"))
    mirror.save_state("feed", b"2")
    theirs = DjangoMirror(them.charlie.organization_id)
    assert ids(theirs.since(0, "anna")) == ids(theirs.there()) == []
    assert theirs.get(["a"]) == {}
    assert (theirs.creation("key"), theirs.state("feed")) == (None, b"")
    assert theirs.epoch() != mirror.epoch()


def test_what_people_typed_is_sealed(mirror: DjangoMirror) -> None:
    mirror.put([row("a", "anna")])
    mirror.save_creation("key", Creation(b'"Board meeting"'))
    mirror.save_state("lists", b'"Board meeting"')
    for model in (models.MirrorRow, models.MirrorCreation, models.MirrorState):
        assert b"Board" not in bytes(model.objects.get().content)
    assert mirror.get(["a"])["a"].content == b'"Board meeting"'


def test_what_is_gone_is_kept_for_thirty_days_and_a_key_as_long_as_what_it_made(mirror: DjangoMirror) -> None:
    mirror.put([row("gone", "anna"), row("kept", "anna")])
    mirror.save_creation("of gone", Creation(b"1", "gone"))
    mirror.save_creation("of kept", Creation(b"1", "kept"))
    mirror.put([row("gone", "anna", gone=True)])
    worker._tidy()
    assert mirror.get(["gone"]) and mirror.creation("of gone")
    old = timezone.now() - timedelta(days=31)
    models.MirrorRow.objects.filter(guid="gone").update(gone_at=old)
    models.MirrorCreation.objects.update(at=old)
    worker._tidy()
    assert ids(mirror.there()) == ["kept"] and mirror.get(["gone"]) == {}
    assert (mirror.creation("of gone"), mirror.creation("of kept")) == (None, Creation(b"1", "kept"))
    assert mirror.since(0, "anna") is None, "who would have heard of it must read everything again"
