"""Every code of a server that we know: what it means, who must act, what we do. The help is made of it.

The rows are the very values the connectors act by (`connectors.meaning`), so the table cannot say anything else than
what is done: the words of a row are those of our own name for the code, what we do follows from its kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from samklang.connectors import http
from samklang.connectors.ews import codes as ews
from samklang.connectors.graph import auth, openid
from samklang.connectors.graph import codes as graph
from samklang.connectors.meaning import Meaning
from samklang.connectors.severa import errors as severa
from samklang.mailboxes import messages
from samklang.sync.errors import (
    ConnectionRefused,
    Inexpressible,
    ItemError,
    MailboxError,
    NotFound,
    ProtocolError,
    SyncError,
    Throttled,
    TokenRejected,
    Unavailable,
    VersionConflict,
)


class Row(NamedTuple):
    #: Where a link leads to it, e.g. "ews-ErrorAccessDenied".
    anchor: str
    #: The server's own code, in words where it is any other.
    code: str
    #: Our name, which command line and API give.
    name: str
    means: str
    who: str
    #: What whoever must act does.
    remedy: str
    #: What Samklang does.
    does: str


class Table(NamedTuple):
    anchor: str
    title: str
    rows: list[Row]


_SET_ASIDE = gettext_noop("Sets the entry aside and tries it again, later each time. Everything else goes on.")
_AGAIN = gettext_noop("Tries again, later each time, up to an hour. Nothing is lost.")
#: What a run does about an error of this kind (rules 7.5, 8.1, 8.5, 10.1 to 10.5).
_DOES: Mapping[type[SyncError], str] = {
    ItemError: _SET_ASIDE,
    Inexpressible: _SET_ASIDE,
    VersionConflict: gettext_noop("Reads the entry again at once and decides again."),
    NotFound: gettext_noop("Looks for the entry once more. Only what is gone for certain counts as deleted."),
    TokenRejected: gettext_noop("Reads the whole calendar again. Nothing is deleted for it."),
    MailboxError: gettext_noop("Tries this mailbox again once an hour. All others go on."),
    Throttled: gettext_noop("Leaves this mailbox alone for as long as the server asks. All others go on."),
    Unavailable: _AGAIN,
    ProtocolError: _AGAIN,
    ConnectionRefused: gettext_noop(
        "Pauses all mailboxes after this one refusal, tries once an hour and after every save, and goes on by itself "
        "once it is mended. Nothing is deleted."
    ),
}
_NOBODY_IN = gettext_noop("Lets nobody in. Synchronization goes on.")

_USER = gettext_noop("The user")
_ADMINISTRATOR = gettext_noop("An administrator of your organization")
_EXCHANGE = gettext_noop("An Exchange administrator")
_SERVERS = gettext_noop("A server administrator")
_MICROSOFT = gettext_noop("A Microsoft administrator")
_OPERATOR = gettext_noop("The operator of this installation")
_SEVERA = gettext_noop("A main user of Severa")
_NOBODY = gettext_noop("Nobody")

#: Who must act, by our name.
_WHO: Mapping[str, Iterable[str]] = {
    _NOBODY: (
        *("version_conflict", "not_found", "token_rejected", "throttled", "unavailable", "server_unavailable"),
        *("server_error", "subscription_lost", "connection_lost", "login_unavailable", "mailbox_unavailable"),
        *("mailbox_error", "strange_id", "duplicate_transaction"),
    ),
    _USER: (
        *("refused_by_server", "unreadable", "inexpressible", "too_long", "duration_too_long", "ends_before_start"),
        *("date_out_of_range", "zone_refused", "field_refused", "address_refused", "answer_refused", "not_organizer"),
        *("occurrence_crosses_neighbour", "occurrence_overlaps_neighbour", "recurrence_without_occurrence"),
        *("recurrence_ends_too_late", "recurrence_inexpressible", "mailbox_full", "answer_too_large", "not_allowed"),
        *("microsoft_declined", "microsoft_unknown", "microsoft_begin_again", "microsoft_refused"),
    ),
    _ADMINISTRATOR: (
        *("unknown_host", "connection_refused", "timeout", "redirected", "bad_ca_file", "version_refused"),
        *("request_refused", "sign_in_refused", "password_expired", "access_refused", "mailbox_not_found"),
        *("tenant_not_found", "consent_declined", "malformed_answer"),
        *("proxy_unreachable", "proxy_refused", "proxy_sign_in_refused"),
    ),
    _EXCHANGE: (
        *("impersonation_denied", "impersonation_missing", "access_denied", "mailbox_ambiguous", "mailbox_disabled"),
        *("mailbox_misconfigured", "mailbox_elsewhere", "calendar_not_found"),
    ),
    _SERVERS: ("tls_too_old", "no_tls", "bad_certificate"),
    _MICROSOFT: (
        *("mailbox_access_denied", "mailbox_not_enabled", "permission_missing", "token_refused", "app_not_found"),
        *("app_disabled", "not_consented", "conditional_access"),
        *("microsoft_approval", "microsoft_not_assigned", "microsoft_blocked"),
    ),
    _OPERATOR: (
        *(
            "address_not_allowed",
            "proxy_not_allowed",
            "secret_expired",
            "wrong_secret",
            "certificate_refused",
            "credential_missing",
        ),
        *("microsoft_app_refused",),
    ),
    _SEVERA: (severa.TOKEN_REFUSED, "severa_scope_missing", "severa_addon_missing", "severa_not_active"),
}
#: What is known of a server: the end of its anchor, how it is called, what it means.
_Known = Iterator[tuple[str, str, Meaning]]
_ACTS = {name: who for who, names in _WHO.items() for name in names}


def tables() -> list[Table]:
    """In the active language."""
    return [
        _table("ews", _("Exchange Server (EWS)"), _of_exchange()),
        _table("graph", _("Office 365 (Microsoft Graph)"), _of_graph()),
        _table("sign-in", _("The application's sign-in at Microsoft"), _of_sign_in()),
        _table("person", _("A person's sign-in with Microsoft"), _of_person(), does=_NOBODY_IN),
        _table("severa", _("Visma Severa"), _of_severa()),
        _table("way", _("On the way to any server, by Samklang's own names"), _of_the_way()),
    ]


def _of_exchange() -> _Known:
    yield from _named(ews.CODES)
    for code, meaning in ews.OF_THE_REQUEST.items():
        yield f"{code}-request", _("%(code)s for the whole request") % {"code": code}, meaning
    yield from _statuses(ews.STATUSES)
    yield "other", _("Any other code for one entry"), ews.OTHER
    yield "other-request", _("Any other code for the whole request"), ews.OTHER_OF_THE_REQUEST


def _of_graph() -> _Known:
    yield from _named(graph.CODES)
    yield from _statuses(graph.STATUSES)
    yield "other", _("Any other code"), graph.OTHER


def _of_sign_in() -> _Known:
    yield from _numbers(auth.REFUSALS)
    yield from _named(auth.WORDS)
    yield "other", _("Any other code"), auth.OTHER


def _of_person() -> _Known:
    yield from _numbers(openid.REFUSALS)
    yield from _named({word: Meaning(ConnectionRefused, name) for word, name in openid.WORDS.items()})
    yield "other", _("Any other code"), Meaning(ConnectionRefused, openid.OTHER)


def _of_severa() -> _Known:
    yield from _named(severa.CODES)
    yield from _statuses(severa.STATUSES)
    yield "other", _("Any other code"), severa.OTHER


def _of_the_way() -> _Known:
    return _named({code: Meaning(kind, code) for code, kind in http.FAILURES.items()})


def _named(codes: Mapping[str, Meaning]) -> _Known:
    return ((code, code, meaning) for code, meaning in codes.items())


def _numbers(refusals: Mapping[int, str]) -> _Known:
    return _named({f"AADSTS{number}": Meaning(ConnectionRefused, name) for number, name in refusals.items()})


def _statuses(statuses: Mapping[int, Meaning]) -> _Known:
    return ((f"HTTP-{status}", f"HTTP {status}", meaning) for status, meaning in statuses.items())


def _table(anchor: str, title: str, known: _Known, does: str = "") -> Table:
    return Table(anchor, title, [_row(f"{anchor}-{end}", code, meaning, does) for end, code, meaning in known])


def _row(anchor: str, code: str, meaning: Meaning, does: str) -> Row:
    sentence, remedy = messages.explain(meaning.code)
    return Row(anchor, code, meaning.code, sentence, _(_ACTS[meaning.code]), remedy, _(does or _DOES[meaning.kind]))
