"""What every case begins with is made by commands once for each protocol, and laid out again for each further case."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.db import models

#: By name: what making it returned, and the rows it left.
_made: dict[str, tuple[Any, list[models.Model]]] = {}


def laid_out(name: str, make: Callable[[], Any]) -> Any:
    """What `make` returns; all that it puts into the (empty) database is there afterwards."""
    if name not in _made:
        returned = make()
        _made[name] = returned, [row for model in _tables() for row in model._default_manager.all()]
    else:
        for model in _tables():
            rows = [copy.copy(row) for row in _made[name][1] if type(row) is model]
            model._default_manager.bulk_create(rows)
    return _made[name][0]


def _tables() -> list[type[models.Model]]:
    ours = (app for app in apps.get_app_configs() if app.name.startswith("samklang"))
    return [model for app in ours for model in app.get_models() if model._meta.managed]
