"""Microsoft's sign-in as programs see it: discovery, keys and tokens, for an application without a user (Graph facts
§2) and for a person's authorization code.

Served under {login}; errors carry the AADSTS codes a client must tell apart. The pages are `pages.consent` and
`pages.authorize`.
"""

from __future__ import annotations

import secrets
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from samklang.sandbox import assertions, faults, openid, permissions, tokens
from samklang.sandbox.accounts import App, Tenant
from samklang.sandbox.assertions import AssertionRefused
from samklang.sandbox.context import Sandbox
from samklang.sandbox.permissions import app_of
from samklang.sandbox.store import Store
from samklang.sandbox.traffic import Call

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ANY_TENANT = ("common", "organizations", "consumers")


class LoginError(Exception):
    """A refusal as the token endpoint words it."""

    def __init__(self, status: int, error: str, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.error, self.code = status, error, code


def add_routes(app: web.Application, sandbox: Sandbox) -> None:
    """On the TLS port. Instance discovery is also answered at the root of the host, where msal asks for it."""
    part = web.Application(middlewares=[sandbox.traffic.counted("login")])
    login = _Login(sandbox)
    part.router.add_get("/common/discovery/instance", login.instance)
    part.router.add_get("/{tenant}/v2.0/.well-known/openid-configuration", login.configuration)
    part.router.add_get("/{tenant}/discovery/v2.0/keys", login.keys)
    part.router.add_post("/{tenant}/oauth2/v2.0/token", login.token)
    app.router.add_get("/common/discovery/instance", login.instance)
    app.add_subapp("/login", part)


def tenant_of(store: Store, name: str) -> Tenant | None:
    """A tenant by its id or one of its domains, whatever the case."""
    folded = name.casefold()
    for tenant in store.all("tenant", Tenant).values():
        if tenant.id.casefold() == folded or folded in (domain.casefold() for domain in tenant.domains):
            return tenant
    return None


class _Login:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox, self._store = sandbox, sandbox.store

    async def instance(self, request: web.Request) -> web.StreamResponse:
        _name(request, "discovery")
        asked = request.query.get("authorization_endpoint", "")
        own = self._sandbox.urls["login"]
        if not asked.startswith(own.rsplit("/login", 1)[0].rsplit(":", 1)[0]):
            body = {"error": "invalid_instance", "error_description": "AADSTS50049: Unknown or invalid instance."}
            return web.json_response(body, status=400)
        tenant = asked.split("/oauth2/")[0].rsplit("/", 1)[-1]
        return web.json_response(
            {
                "tenant_discovery_endpoint": f"{own}/{tenant}/v2.0/.well-known/openid-configuration",
                "api-version": "1.1",
                "metadata": [],
            }
        )

    async def configuration(self, request: web.Request) -> web.StreamResponse:
        _name(request, "openid-configuration")
        struck = self._sandbox.faults.due("login", "openid-configuration", "", "before")
        if struck is not None and (answer := await faults.answer(struck, request)) is not None:
            return answer
        name = request.match_info["tenant"]
        tenant = tenant_of(self._store, name)
        if tenant is None and name not in _ANY_TENANT:
            return _refusal(_no_tenant(name))
        login, address = self._sandbox.urls["login"], tenant.id if tenant else name
        base = f"{login}/{address}"
        return web.json_response(
            {
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                # For browsers, which distrust the test CA; Microsoft's is on the same host as the rest.
                "authorization_endpoint": f"{self._sandbox.urls['pages']}/login/{address}/oauth2/v2.0/authorize",
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                # Without a tenant Microsoft's names none: the braces are to be filled in.
                "issuer": f"{login}/{tenant.id if tenant else '{tenantid}'}/v2.0",
                "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
                "response_types_supported": ["code"],
                "response_modes_supported": ["query"],
                "scopes_supported": ["openid", "profile", "email", "offline_access"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "tenant_region_scope": "EU",
                "cloud_instance_name": "sandbox",
            }
        )

    async def keys(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(openid.keys(self._store))

    async def token(self, request: web.Request) -> web.StreamResponse:
        _name(request, "token")
        self._store.count("", "token_requests")
        struck = self._sandbox.faults.due("login", "token", "", "before")
        if struck is not None:
            answer = await self._perform(struck, request)
            if answer is not None:
                return answer
        form = {key: str(value) for key, value in (await request.post()).items()}
        try:
            answer = web.json_response(self._issue(request.match_info["tenant"], form))
        except LoginError as error:
            answer = _refusal(error)
        struck = self._sandbox.faults.due("login", "token", "", "after")
        if struck is not None:
            return await faults.answer(struck, request, answer) or answer
        return answer

    async def _perform(self, fault: faults.Fault, request: web.Request) -> web.StreamResponse | None:
        if fault.kind in ("response_code", "token_invalid"):
            what = fault.what
            return _refusal(
                LoginError(
                    int(what.get("status", 401)),
                    str(what.get("error", "invalid_client")),
                    int(what.get("code", 53003)),
                    str(what.get("message", "Access has been blocked by Conditional Access policies.")),
                )
            )
        if fault.kind == "throttle":
            return web.json_response({"error": "temporarily_unavailable"}, status=429, headers={"Retry-After": "1"})
        return await faults.answer(fault, request)

    def _issue(self, name: str, form: dict[str, str]) -> dict[str, Any]:
        if form.get("grant_type") == "authorization_code":
            return self._redeem(name, form)
        tenant = tenant_of(self._store, name)
        if tenant is None:
            raise _no_tenant(name)
        if form.get("grant_type") != "client_credentials":
            raise LoginError(
                400,
                "unsupported_grant_type",
                70003,
                "The app requested an unsupported grant type. Use client_credentials or authorization_code.",
            )
        scope = form.get("scope", "")
        if not scope.endswith("/.default"):
            raise LoginError(
                400, "invalid_scope", 1002012, f"The provided value for scope {scope} is not valid. Use /.default."
            )
        app = app_of(tenant, form.get("client_id", ""))
        if app is None or not permissions.is_known(self._store, tenant, app):
            raise LoginError(
                400,
                "unauthorized_client",
                700016,
                f"Application with identifier '{form.get('client_id', '')}' was not found in the directory. This can"
                " happen if the application has not been installed by the administrator of the tenant or consented"
                " to by any user in the tenant.",
            )
        self._check_credentials(tenant, app, form)
        roles = permissions.effective_roles(self._store, tenant, app)
        token = tokens.issue(self._store, tenant, app, roles, f"{self._sandbox.urls['login']}/{tenant.id}/")
        return {
            "token_type": "Bearer",
            "expires_in": tokens.LIFETIME,
            "ext_expires_in": tokens.LIFETIME,
            "access_token": token,
        }

    def _redeem(self, name: str, form: dict[str, str]) -> dict[str, Any]:
        """Tokens for a code a person's sign-in gave (RFC 6749 §4.1.3, RFC 7636 §4.6)."""
        code = openid.use_code(self._store, form.get("code", ""))
        if code is None:
            raise LoginError(400, "invalid_grant", 70000, "The provided authorization code is not valid.")
        tenant = tenant_of(self._store, name)
        if name not in _ANY_TENANT and (tenant is None or tenant.id != code.tenant):
            raise LoginError(400, "invalid_grant", 700005, "The code is intended to use against other tenant.")
        if code.used:
            raise LoginError(400, "invalid_grant", 54005, "OAuth2 Authorization code was already redeemed.")
        if time.time() > code.at + openid.CODE_LIFETIME:
            raise LoginError(400, "invalid_grant", 70008, "The provided authorization code has expired.")
        if (form.get("client_id"), form.get("redirect_uri")) != (code.client_id, code.redirect_uri):
            raise LoginError(400, "invalid_grant", 500112, "Client or redirect URI are not those of the request.")
        if not openid.verifies(code, form.get("code_verifier", "")):
            raise LoginError(400, "invalid_grant", 501481, "The Code_Verifier does not match the code_challenge.")
        theirs, mailbox = tenant_of(self._store, code.tenant), self._store.mailbox(code.address)
        app = app_of(theirs, code.client_id) if theirs else None
        if theirs is None or app is None or mailbox is None:
            raise LoginError(400, "invalid_grant", 50034, "The user account does not exist.")
        self._check_credentials(theirs, app, form)
        return {
            "token_type": "Bearer",
            "scope": code.scope,
            "expires_in": tokens.LIFETIME,
            "ext_expires_in": tokens.LIFETIME,
            "access_token": secrets.token_urlsafe(64),  # of nothing: no person speaks Graph here
            "id_token": openid.id_token(self._store, theirs, mailbox, code, self._sandbox.urls["login"]),
        }

    def _check_credentials(self, tenant: Tenant, app: App, form: dict[str, str]) -> None:
        if "client_assertion" in form:
            self._check_assertion(tenant, app, form)
            return
        if "client_secret" not in form:
            raise LoginError(
                401,
                "invalid_client",
                7000218,
                "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
            )
        if not app.secret or form["client_secret"] != app.secret:
            raise LoginError(
                401,
                "invalid_client",
                7000215,
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret"
                f" value, not the client secret ID, for a secret added to app '{app.client_id}'.",
            )
        if tenant.secret_expired:
            raise LoginError(
                401,
                "invalid_client",
                7000222,
                f"The provided client secret keys for app '{app.client_id}' are expired.",
            )

    def _check_assertion(self, tenant: Tenant, app: App, form: dict[str, str]) -> None:
        endpoint = f"{self._sandbox.urls['login']}/{tenant.id}/oauth2/v2.0/token"
        try:
            if form.get("client_assertion_type") != ASSERTION:
                raise AssertionRefused("its type is not taken")
            assertions.check(form["client_assertion"], app.client_id, app.certificate, endpoint)
        except AssertionRefused as error:
            message = f"Client assertion failed signature validation or is not valid: {error}."
            raise LoginError(401, "invalid_client", 700027, message) from error


def _no_tenant(name: str) -> LoginError:
    return LoginError(
        400,
        "invalid_request",
        90002,
        f"Tenant '{name}' not found. Check to make sure you have the correct tenant ID and are signing into the correct"
        " cloud.",
    )


def _refusal(error: LoginError) -> web.Response:
    trace, now = str(uuid.uuid4()), datetime.now(UTC)
    text = f"AADSTS{error.code}: {error} Trace ID: {trace} Timestamp: {now:%Y-%m-%d %H:%M:%SZ}"
    body = {
        "error": error.error,
        "error_description": text,
        "error_codes": [error.code],
        "timestamp": f"{now:%Y-%m-%d %H:%M:%SZ}",
        "trace_id": trace,
        "correlation_id": str(uuid.uuid4()),
        "error_uri": "",
    }
    return web.json_response(body, status=error.status)


def _name(request: web.Request, operation: str) -> None:
    call = request.get("call")
    if isinstance(call, Call):
        call.name(operation)
