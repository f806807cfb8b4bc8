"""Microsoft's admin consent as a person sees it: sign in, read what is asked, accept or cancel (Graph facts §2.1).

On the pages port, since browsers distrust the sandbox's certificate. No passwords: signing in is choosing who one is.
"""

from __future__ import annotations

from aiohttp import web

from samklang.sandbox import permissions
from samklang.sandbox.accounts import App, Tenant
from samklang.sandbox.context import Sandbox
from samklang.sandbox.graph.directory import tenant_mailboxes
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

_WORDS = {
    "Calendars.ReadWrite": ("Read and write calendars in all mailboxes", "Create, read, update and delete events."),
    "Calendars.Read": ("Read calendars in all mailboxes", "Read events of all calendars."),
    "User.Read.All": ("Read all users' full profiles", "Read the profile properties of every user."),
    "MailboxSettings.Read": ("Read all user mailbox settings", "Read time zone and working hours; not send mail."),
    "Organization.Read.All": ("Read organization information", "Read the organization and its domains."),
}
_PEOPLE_SHOWN = 8


class _Asked:
    """What the address of the page asks for. Raises WrongError."""

    def __init__(self, sandbox: Sandbox, request: web.Request) -> None:
        self.query = request.query
        self.name = request.match_info["tenant"]
        if self.name == "common":
            raise WrongError(
                "AADSTS9001023: Use a tenant's id, a domain or 'organizations' in the address, not 'common'."
            )
        self.tenants = tenants_named(sandbox.store, self.name)
        self.client_id = self.query.get("client_id", "")
        self.app: App = app_known(sandbox.store, self.client_id)
        self.redirect = redirect_of(self.query)
        self.scope = self.query.get("scope", "https://graph.microsoft.com/.default")
        if not self.scope.endswith("/.default"):
            raise WrongError(
                "AADSTS70011: Application permissions need the scope https://graph.microsoft.com/.default."
            )

    def back(self, **answer: str) -> web.HTTPFound:
        """The redirect; `admin_consent=True` is there even for a refusal."""
        return sent_back(self.redirect, self.query, {"admin_consent": "True"} | answer)


def add_routes(app: web.Application, sandbox: Sandbox) -> None:
    consent = _Consent(sandbox)
    for path in ("/login/{tenant}/v2.0/adminconsent", "/login/{tenant}/adminconsent"):
        app.router.add_get(path, consent.ask)
        app.router.add_post(path, consent.answer)


class _Consent:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def ask(self, request: web.Request) -> web.Response:
        try:
            asked = _Asked(self._sandbox, request)
        except WrongError as error:
            return error.shown()
        return self._sign_in(asked)

    async def answer(self, request: web.Request) -> web.Response:
        try:
            asked = _Asked(self._sandbox, request)
        except WrongError as error:
            return error.shown()
        form = await request.post()
        account = str(form.get("account", ""))
        tenant = next((t for t in asked.tenants if account == _admin(t)), None)
        if form.get("decision") == "cancel":
            raise asked.back(
                error="consent_required",
                error_description="AADSTS65004: The resource owner or authorization server denied the request.",
            )
        if tenant is None:
            return card("Need admin approval", self._not_an_admin(asked, account), status=403)
        if form.get("decision") == "accept":
            self._grant(tenant, asked)
            raise asked.back(tenant=tenant.id, scope=asked.scope)
        return self._review(asked, tenant, account)

    def _sign_in(self, asked: _Asked) -> web.Response:
        choices: list[Markup] = []
        for tenant in asked.tenants:
            choices.append(choice(_admin(tenant), "Administrator", checked=not choices))
            for mailbox in tenant_mailboxes(self._sandbox.store, tenant)[:_PEOPLE_SHOWN]:
                choices.append(choice(mailbox.address, mailbox.name or "User", checked=False))
        if not choices:
            choices.append(h("p", "This sandbox has no Microsoft 365 tenant yet.", class_="wrong"))
        form = h("form", choices, h("div", h("button", "Next", class_="main"), class_="buttons"), method="post")
        return card("Pick an account", h("p", "Signing in to the sandbox needs no password."), form)

    def _review(self, asked: _Asked, tenant: Tenant, account: str) -> web.Response:
        roles = (permissions.app_of(tenant, asked.client_id) or asked.app).roles or asked.app.roles
        listed = [h("li", h("strong", _WORDS.get(r, (r, ""))[0]), h("span", _WORDS.get(r, (r, ""))[1])) for r in roles]
        form = h(
            "form",
            h("input", type="hidden", name="account", value=account),
            h("button", "Cancel", name="decision", value="cancel"),
            h("button", "Accept", name="decision", value="accept", class_="main"),
            method="post",
            class_="buttons",
        )
        return card(
            "Permissions requested",
            h("p", "Review for your organization, ", h("strong", tenant.domains[0] if tenant.domains else tenant.id)),
            h("p", h("strong", "Samklang"), h("small", f" app id {asked.client_id}")),
            h("p", "This app would like to:"),
            h("ul", listed, class_="permissions"),
            h("p", "If you accept, the app gets this access for all users of your organization."),
            form,
            account=account,
        )

    def _not_an_admin(self, asked: _Asked, account: str) -> list[Markup]:
        text = f"{account or 'This account'} cannot give this consent. Ask an administrator of the organization."
        form = h("form", h("button", "Back", name="decision", value="cancel"), method="post", class_="buttons")
        return [h("p", text), h("p", "AADSTS90094", class_="wrong"), form]

    def _grant(self, tenant: Tenant, asked: _Asked) -> None:
        bring(self._sandbox.store, tenant, asked.app)
        app = permissions.app_of(tenant, asked.client_id)
        assert app is not None
        permissions.grant(self._sandbox.store, tenant, app)


def _admin(tenant: Tenant) -> str:
    return f"admin@{tenant.domains[0] if tenant.domains else tenant.id}"
