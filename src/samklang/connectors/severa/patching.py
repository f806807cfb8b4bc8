"""Replacing fields of an activity (Severa facts §1.7), in the form this Severa takes.

Not stated is whether `op` is spelled "replace" or "Replace", and whether values may be other than text: what is not
known yet is tried, and what was taken is remembered. A refused request changes nothing.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from typing import Any

from samklang.connectors.severa.client import SeveraClient
from samklang.connectors.severa.findings import Findings
from samklang.connectors.severa.schema import Activity
from samklang.connectors.severa.wire import is_html, text_of
from samklang.connectors.severa.writing import Values
from samklang.engine.canonical import canonical_text
from samklang.sync.errors import ItemError

_OPS = ("replace", "Replace")


class Patching:
    def __init__(self, client: SeveraClient, findings: Findings) -> None:
        self._client = client
        self._findings = findings

    def replace(self, id: str, values: Values) -> Activity:
        """The activity as Severa answers it. Raises ItemError, NotFound."""
        values = [(path, self.notes(value) if path == "/notes" else value) for path, value in values]
        refusal: ItemError | None = None
        for op, plain in self._forms(values):
            body = [{"op": op, "path": path, "value": value if plain else _text(value)} for path, value in values]
            try:
                changed = self._client.patch(f"/activities/{id}", body, list[Activity])
            except ItemError as error:
                refusal = refusal or error
                continue
            self._taken(op, plain, values)
            return self._with_notes(changed[0] if changed else self._client.get(f"/activities/{id}", Activity), values)
        assert refusal is not None, "there is a form to try"
        raise refusal

    def notes(self, text: str | None) -> str | None:
        """Notes in the form this Severa keeps."""
        return _as_html(text) if text and self._findings.found.notes_are_html else text

    def kept_notes(self, activity: Activity, text: str | None) -> Activity:
        """An activity just made with these notes. Where they became HTML without their lines, they are written again:
        as HTML, which all later notes are sent as."""
        as_sent = canonical_text(text_of(activity)) == canonical_text(text or "")
        if as_sent or not is_html(activity.notes) or self._findings.found.notes_are_html:
            return activity
        self._findings.note(notes_are_html=True)
        return self.replace(activity.guid, [("/notes", text)])

    def _with_notes(self, activity: Activity, values: Values) -> Activity:
        sent = dict(values)
        return self.kept_notes(activity, sent["/notes"]) if "/notes" in sent else activity

    def _forms(self, values: Values) -> Iterator[tuple[str, bool]]:
        found = self._findings.found
        for plain in (
            (True, False)
            if _some_are_no_text(values) and found.plain_values is None
            else (found.plain_values is not False,)
        ):
            for op in (found.op,) if found.op else _OPS:
                yield op, plain

    def _taken(self, op: str, plain: bool, values: Values) -> None:
        self._findings.note(op=op)
        if _some_are_no_text(values):
            self._findings.note(plain_values=plain)


def _some_are_no_text(values: Values) -> bool:
    return any(not isinstance(value, str | None) for _path, value in values)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str | None) else json.dumps(value)


def _as_html(text: str) -> str:
    lines = html.escape(text, quote=False).replace("\r\n", "\n").split("\n")
    return f"<p>{'<br>'.join(lines)}</p>"
