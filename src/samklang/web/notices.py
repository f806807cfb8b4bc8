"""Where Microsoft sends its notices (rule 9.2). Open to anybody; only a subscription's own secret is believed."""

from __future__ import annotations

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from samklang.connectors.graph.notifications import Notices, read_notices
from samklang.mailboxes import push

#: Characters of a validation token that are sent back; real ones have some two hundred.
_LONGEST_TOKEN = 2000


@csrf_exempt
@require_POST
def graph(request: HttpRequest) -> HttpResponse:
    """Answer at once: Microsoft gives three seconds, and drops notices to those who are often late (Graph facts §3.4).

    A handshake gets its token back. Anything else is 202, rubbish too: only what we could not store is to come again.
    """
    token = request.GET.get("validationToken")
    if token is not None:
        return HttpResponse(token[:_LONGEST_TOKEN], content_type="text/plain; charset=utf-8")
    try:
        found = read_notices(request.body)
    except RequestDataTooBig:
        found = Notices([], malformed=1)
    push.take(found)
    return HttpResponse(status=202)
