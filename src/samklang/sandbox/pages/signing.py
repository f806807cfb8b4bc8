"""What Microsoft's pages for consent and for a person's sign-in have in common."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from samklang.sandbox import login, permissions
from samklang.sandbox.accounts import App, Tenant
from samklang.sandbox.pages.markup import Child, Markup, h, page
from samklang.sandbox.store import Store


class WrongError(Exception):
    """Shown on the page, as Microsoft does: nothing is sent to an address that cannot be trusted."""

    def shown(self) -> web.Response:
        title = "Sorry, but we're having trouble signing you in."
        return card(title, h("p", str(self), class_="wrong"), status=400)


def tenants_named(store: Store, name: str) -> list[Tenant]:
    """The tenant of this name or domain, or every one for "organizations". Raises WrongError."""
    if name == "organizations":
        return list(store.all("tenant", Tenant).values())
    tenant = login.tenant_of(store, name)
    if tenant is None:
        raise WrongError(f"AADSTS90002: Tenant '{name}' not found.")
    return [tenant]


def app_known(store: Store, client_id: str) -> App:
    """The app as the first tenant that knows it has it. Raises WrongError."""
    known = [app for t in store.all("tenant", Tenant).values() if (app := permissions.app_of(t, client_id))]
    if not known:
        raise WrongError(f"AADSTS700016: Application with identifier '{client_id}' was not found.")
    return known[0]


def redirect_of(query: Mapping[str, str]) -> str:
    """Where the person is sent back to: any absolute address is taken as registered. Raises WrongError."""
    redirect = query.get("redirect_uri", "")
    if urlsplit(redirect).scheme not in ("http", "https") or not urlsplit(redirect).netloc:
        raise WrongError("AADSTS50011: The redirect URI specified in the request is missing or no address.")
    return redirect


def sent_back(redirect: str, query: Mapping[str, str], answer: Mapping[str, str]) -> web.HTTPFound:
    """Back to the app with an answer, and with the state it gave."""
    state = {"state": query["state"]} if "state" in query else {}
    mark = "&" if urlsplit(redirect).query else "?"
    return web.HTTPFound(f"{redirect}{mark}{urlencode({**answer, **state})}")


def bring(store: Store, tenant: Tenant, app: App) -> None:
    """Consent, of an administrator or a user, to an app that another tenant registered brings it into this one."""
    mine = permissions.app_of(tenant, app.client_id)
    if mine is None:
        mine = App(client_id=app.client_id, secret=app.secret, roles=list(app.roles))
        tenant.apps.append(mine)
    store.put("tenant", tenant.id, tenant)


def choice(account: str, role: str, *, checked: bool) -> Markup:
    radio = h("input", type="radio", name="account", value=account, checked=checked, required=True)
    return h("label", radio, h("span", h("strong", account), h("small", role)), class_="account")


def card(title: str, *body: Child, status: int = 200, account: str = "") -> web.Response:
    logo = h("p", h("span", class_="logo", aria_hidden="true"), "Sandbox sign-in", class_="brand")
    who = h("p", account, class_="who") if account else None
    return page(title, h("main", logo, who, h("h1", title), *body, class_="card"), status=status, class_="signin")
