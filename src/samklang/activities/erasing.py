"""A person leaves for good: his activities and his part in others' go (rule 12.2)."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from samklang import clock
from samklang.accounts.models import User
from samklang.activities import changes
from samklang.activities.models import Activity, Participant


@transaction.atomic
def erase_person(user: User) -> Mapping[str, int]:
    """Delete what is his alone, trash included; others keep what they take part in, without him. Nothing is mailed.

    Returns how many activities were deleted, and how many left to others.
    """
    changes.lock(user.organization_id)
    of_his = Activity.objects.of(user.organization_id)
    owned = list(of_his.filter(owner=user).whole())
    shared = [one for one in owned if changes.people_of(one) - {user.pk}]
    alone = [one for one in owned if one not in shared]
    joined = [row.activity for row in Participant.objects.filter(user=user).select_related("activity")]
    written = [(one.guid, changes.people_of(one)) for one in [*owned, *joined]]
    Activity.objects.filter(pk__in=[one.pk for one in shared]).update(owner=None)
    Participant.objects.filter(user=user).delete()
    for one in {row.pk: row for row in [*shared, *joined]}.values():
        Activity.objects.filter(pk=one.pk).update(version=one.version + 1, modified=clock.now(), modified_by=None)
    Activity.objects.filter(pk__in=[one.pk for one in alone]).delete()
    changes.log_all(user.organization_id, written)
    return {"deleted": len(alone), "left_to_others": len(shared) + len(joined)}
