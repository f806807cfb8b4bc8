"""HTML without holes: every text is escaped unless it was made here."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from aiohttp import web

_VOID = frozenset(("br", "hr", "img", "input", "link", "meta"))
_POLICY = "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; connect-src 'self'; img-src 'self'"


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Child = str | Iterable["Child"] | None


def h(tag: str, *children: Child, **attributes: Any) -> Markup:
    """An element. `class_` is class, `data_id` is data-id; True is a bare attribute, None and False none at all."""
    named = []
    for name, value in attributes.items():
        key = name.rstrip("_").replace("_", "-")
        if value is True:
            named.append(f" {key}")
        elif value not in (None, False):
            named.append(f' {key}="{html.escape(str(value))}"')
    opened = f"<{tag}{''.join(named)}>"
    return Markup(opened if tag in _VOID else f"{opened}{join(children)}</{tag}>")


def join(children: Child) -> Markup:
    if children is None:
        return Markup()
    if isinstance(children, Markup):
        return children
    if isinstance(children, str):
        return Markup(html.escape(children))
    return Markup("".join(join(child) for child in children))


def field(label: str, control: Markup) -> Markup:
    """A control with its label."""
    return h("label", h("span", label), control, class_="field")


def when(label: str, name: str, moment: datetime) -> Markup:
    """A day and a time of day (`sent.times`)."""
    return h(
        "div",
        field(label, h("input", type="date", name=f"{name}_day", value=moment.date(), required=True)),
        field("at", h("input", type="time", name=f"{name}_time", value=f"{moment:%H:%M}")),
        class_="row",
    )


def select(name: str, choices: Mapping[str, str], chosen: str) -> Markup:
    """A choice; `choices` is text by value."""
    options = [h("option", text, value=value, selected=value == chosen) for value, text in choices.items()]
    return h("select", options, name=name)


def page(title: str, *body: Child, status: int = 200, class_: str = "") -> web.Response:
    """A whole page; its only style and script are the sandbox's own."""
    head = h(
        "head",
        h("meta", charset="utf-8"),
        h("meta", name="viewport", content="width=device-width, initial-scale=1"),
        h("title", title),
        h("link", rel="icon", href="/static/icon.svg"),
        h("link", rel="stylesheet", href="/static/sandbox.css"),
        h("script", src="/static/sandbox.js", defer=True),
    )
    text = "<!doctype html>" + h("html", head, h("body", *body, class_=class_ or None), lang="en")
    return fragment(Markup(text), status)


def fragment(content: Markup, status: int = 200) -> web.Response:
    headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store", "Referrer-Policy": "same-origin"}
    return web.Response(text=content, status=status, content_type="text/html", headers=headers)
