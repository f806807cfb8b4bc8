"""Help for users and administrators, one page each, in the reader's language; and the codes of all servers."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from samklang.mailboxes import error_table
from samklang.web.access import signed_in


@signed_in
@require_safe
def help_page(request: HttpRequest, page: str) -> HttpResponse:
    """The text is a template per language: prose is translated as a whole, not sentence by sentence."""
    language = request.LANGUAGE_CODE
    return render(request, "help/page.html", {"area": "help", "text": f"help/{language}/{page}.html"})


@signed_in
@require_safe
def errors(request: HttpRequest) -> HttpResponse:
    """What each code of a server means, made of what the connectors do about it."""
    return render(request, "help/errors.html", {"area": "help", "tables": error_table.tables()})
