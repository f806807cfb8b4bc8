"""A person signs in to an app with Microsoft: the authorization endpoint (OpenID Connect, RFC 6749 §4.1, RFC 7636).

No passwords: signing in is choosing who one is. What the address asks for wrongly is said on the page where the
address to go back to cannot be trusted; else the person goes back with an error.
"""

from __future__ import annotations

import time

from aiohttp import web

from samklang.sandbox import openid, permissions
from samklang.sandbox.accounts import App, Tenant
from samklang.sandbox.context import Sandbox
from samklang.sandbox.graph.directory import tenant_mailboxes
from samklang.sandbox.model import Mailbox
from samklang.sandbox.pages.markup import Markup, h
from samklang.sandbox.pages.signing import (
    WrongError,
    app_known,
    bring,
    card,
    choice,
    redirect_of,
    sent_back,
    tenants_named,
)
from samklang.sandbox.store import Store

DECLINED = "AADSTS65004: User declined to consent to access the app."


class _Asked:
    """What the address of the page asks for. Raises WrongError, or the redirect with an error."""

    def __init__(self, store: Store, request: web.Request) -> None:
        self.query = request.query
        self.tenants = tenants_named(store, request.match_info["tenant"])
        self.names_one = request.match_info["tenant"] != "organizations"
        self.app: App = app_known(store, self.query.get("client_id", ""))
        self.redirect = redirect_of(self.query)
        scopes = self.query.get("scope", "").split()
        if self.query.get("response_type") != "code" or self.query.get("response_mode", "query") != "query":
            raise self.back(error="unsupported_response_type", error_description="AADSTS700054: Only code, in a query.")
        if "openid" not in scopes:
            raise self.back(error="invalid_scope", error_description="AADSTS70011: The scope openid is missing.")
        if self.query.get("code_challenge_method", "S256") != "S256":
            raise self.back(error="invalid_request", error_description="AADSTS501491: Only S256 is supported.")

    def back(self, **answer: str) -> web.HTTPFound:
        return sent_back(self.redirect, self.query, answer)


def add_routes(app: web.Application, sandbox: Sandbox) -> None:
    pages = _Authorize(sandbox)
    path = "/login/{tenant}/oauth2/v2.0/authorize"
    app.router.add_get(path, pages.ask)
    app.router.add_post(path, pages.answer)


class _Authorize:
    def __init__(self, sandbox: Sandbox) -> None:
        self._store = sandbox.store

    async def ask(self, request: web.Request) -> web.Response:
        try:
            asked = _Asked(self._store, request)
        except WrongError as error:
            return error.shown()
        return self._pick(asked)

    async def answer(self, request: web.Request) -> web.Response:
        try:
            asked = _Asked(self._store, request)
        except WrongError as error:
            return error.shown()
        form = await request.post()
        if form.get("decision") == "cancel":
            raise asked.back(error="access_denied", error_subcode="cancel", error_description=DECLINED)
        found = self._found(asked, str(form.get("account", "")))
        if found is None:
            account = str(form.get("account", ""))
            text = f"AADSTS50020: User account '{account}' does not exist in the tenant and cannot access the app."
            return card("Pick an account", h("p", text, class_="wrong"), status=403)
        tenant, mailbox = found
        if not self._consented(asked, tenant, mailbox):
            if form.get("decision") != "accept" or not tenant.user_consent:
                return self._review(tenant, mailbox)
            self._store.put("consent", f"{tenant.id}/{asked.app.client_id}/{mailbox.address}", time.time())
        bring(self._store, tenant, asked.app)
        raise asked.back(code=self._code(asked, tenant, mailbox))

    def _code(self, asked: _Asked, tenant: Tenant, mailbox: Mailbox) -> str:
        return openid.give_code(
            self._store,
            openid.Code(
                tenant=tenant.id,
                client_id=asked.app.client_id,
                address=mailbox.address,
                redirect_uri=asked.redirect,
                scope=asked.query["scope"],
                nonce=asked.query.get("nonce", ""),
                challenge=asked.query.get("code_challenge", ""),
                at=time.time(),
            ),
        )

    def _consented(self, asked: _Asked, tenant: Tenant, mailbox: Mailbox) -> bool:
        """For everybody by an administrator, or for himself before."""
        app = permissions.app_of(tenant, asked.app.client_id)
        own = f"{tenant.id}/{asked.app.client_id}/{mailbox.address}"
        return (app is not None and app.consented) or self._store.get("consent", own, float) is not None

    def _found(self, asked: _Asked, account: str) -> tuple[Tenant, Mailbox] | None:
        return next(((t, m) for t, m in self._people(asked) if m.address == account.casefold()), None)

    def _people(self, asked: _Asked) -> list[tuple[Tenant, Mailbox]]:
        """People of the tenants asked for, and the guests of one that was named: others sign in to their own."""
        found = [(tenant, one) for tenant in asked.tenants for one in tenant_mailboxes(self._store, tenant)]
        if asked.names_one:
            (tenant,) = asked.tenants
            found += [(tenant, one) for one in self._store.mailboxes() if openid.is_guest(one, tenant)]
        return [(tenant, one) for tenant, one in found if one.enabled]

    def _pick(self, asked: _Asked) -> web.Response:
        choices: list[Markup] = []
        for tenant, mailbox in self._people(asked):
            role = "Guest" if openid.is_guest(mailbox, tenant) else mailbox.name or "User"
            choices.append(choice(mailbox.address, role, checked=not choices))
        if not choices:
            choices.append(h("p", "Nobody has a mailbox in Microsoft 365 yet.", class_="wrong"))
        buttons = h(
            "div",
            h("button", "Cancel", name="decision", value="cancel", formnovalidate=True),
            h("button", "Next", class_="main"),
            class_="buttons",
        )
        form = h("form", choices, buttons, method="post")
        return card("Pick an account", h("p", "Signing in to the sandbox needs no password."), form)

    def _review(self, tenant: Tenant, mailbox: Mailbox) -> web.Response:
        """Nobody consented for the whole tenant: this person may for himself, if his tenant lets him."""
        cancel = h("button", "Cancel", name="decision", value="cancel")
        hidden = h("input", type="hidden", name="account", value=mailbox.address)
        if not tenant.user_consent:
            text = "AADSTS90094: An administrator of your organization has to grant this first."
            form = h("form", hidden, h("div", cancel, class_="buttons"), method="post")
            return card("Need admin approval", h("p", text, class_="wrong"), form, status=403)
        accept = h("button", "Accept", name="decision", value="accept", class_="main")
        asks = [h("li", h("strong", "View your basic profile")), h("li", h("strong", "View your e-mail address"))]
        form = h("form", hidden, cancel, accept, method="post", class_="buttons")
        return card("Permissions requested", h("p", "Samklang would like to:"), h("ul", asks), form)
