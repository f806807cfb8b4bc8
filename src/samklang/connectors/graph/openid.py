"""A person signs in with Microsoft: OpenID Connect's authorization code flow with PKCE, state and nonce, by msal.

The ID token comes straight from the token endpoint, over TLS that is verified, so its signature would prove nothing
more (OpenID Connect Core §3.1.3.7). msal compares state and nonce; audience, issuer and times it leaves to us (since
1.38). Of the claims (Microsoft's ID token claims reference) `tid` and `oid` name a person for good, `idp` tells who is
a guest, `preferred_username` is the sign-in name, which a tenant gives its own people in its verified domains alone;
`email` proves nothing.
"""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from msal.exceptions import MsalError

from samklang.connectors import http
from samklang.connectors.graph.access import GraphAccess
from samklang.connectors.graph.auth import application, errors_named
from samklang.sync.errors import ConnectionRefused, ProtocolError, Unavailable

# The answer comes as a query, not as a form another site posts: our cookie, without which no answer is taken, does not
# come along with those. PKCE and the client's secret keep the code from being of use to anybody else.
warnings.filterwarnings("ignore", message="response_mode='form_post'")

#: Seconds two clocks may differ by.
_SKEW = 120
#: Whom everybody can be a member of: personal accounts are those of no organization (claims reference, `idp`).
PERSONAL_ACCOUNTS = "9188040d-6c67-4c5b-b112-36a304b66dad"

#: Numbers of AADSTS errors a person, his administrator or the operator can act on.
REFUSALS = {
    65004: "microsoft_declined",
    65001: "microsoft_approval",
    90094: "microsoft_approval",
    50105: "microsoft_not_assigned",
    50020: "microsoft_unknown",
    53000: "microsoft_blocked",
    53001: "microsoft_blocked",
    53003: "microsoft_blocked",
    530034: "microsoft_blocked",
    50057: "microsoft_blocked",
    50011: "microsoft_app_refused",
    50194: "microsoft_app_refused",
    7000112: "microsoft_app_refused",
    700016: "microsoft_app_refused",
    700027: "microsoft_app_refused",
    7000215: "microsoft_app_refused",
    7000218: "microsoft_app_refused",
    7000222: "microsoft_app_refused",
}
#: Where the number says nothing: OAuth's own word.
WORDS = {
    "access_denied": "microsoft_declined",
    "consent_required": "microsoft_approval",
    "invalid_client": "microsoft_app_refused",
    "unauthorized_client": "microsoft_app_refused",
    "invalid_grant": "microsoft_begin_again",
}
OTHER = "microsoft_refused"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signed in, as his tenant says."""

    #: Ids of tenant and person there; they name him for good.
    tenant: str
    object_id: str
    #: His sign-in name; proves an address if he is a member.
    username: str
    #: An address the tenant says is his, whether or not it is.
    email: str
    #: Of the tenant, not a guest in it.
    is_member: bool

    @property
    def id(self) -> str:
        """Unique at Microsoft, and as `mailboxes.models.Mailbox.directory_id` has it."""
        return f"{self.tenant}/{self.object_id}"


def begin(access: GraphAccess, redirect_uri: str) -> dict[str, Any]:
    """A new flow, to be kept in the person's session and given to `finish` once; its "auth_uri" is where he goes.

    Raises what `Tokens` does.
    """
    session = _session(access)
    try:
        with errors_named():
            app = application(access, session, exclude_scopes=["offline_access"])
            # Always asked who he is: whoever came with another account than he meant could not go on otherwise.
            flow = app.initiate_auth_code_flow(["email"], redirect_uri=redirect_uri, prompt="select_account")
    finally:
        session.close()
    return dict(flow)


def finish(access: GraphAccess, flow: Mapping[str, Any], answer: Mapping[str, str]) -> Identity:
    """Who came back with this answer to the flow. The caller has compared the state.

    Raises ConnectionRefused (codes of `REFUSALS`, "microsoft_begin_again", else "microsoft_refused"; `detail` is
    "AADSTS…"), Unavailable, ProtocolError ("microsoft_answer": not what a sign-in is answered with).
    """
    given = {name: answer[name] for name in ("state", "code", "error", "error_description") if name in answer}
    session = _session(access)
    try:
        with errors_named():
            app = application(access, session, exclude_scopes=["offline_access"])
        found = _redeemed(app, flow, given)
    finally:
        session.close()
    if "error" in found:
        raise _refused(found)
    claims = found.get("id_token_claims")
    if not isinstance(claims, dict):
        raise ProtocolError("microsoft_answer", "no ID token", step="sign-in")
    return _identity(access, claims)


def _redeemed(app: Any, flow: Mapping[str, Any], answer: dict[str, str]) -> dict[str, Any]:
    try:
        return dict(app.acquire_token_by_auth_code_flow(dict(flow), answer))
    except (requests.RequestException, MsalError) as error:
        raise Unavailable("login_unavailable", type(error).__name__) from None
    except (RuntimeError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        # Another nonce, or no token: msal decodes whatever it is given.
        raise ProtocolError("microsoft_answer", type(error).__name__, step="sign-in") from None


def _identity(access: GraphAccess, claims: Mapping[str, Any]) -> Identity:
    """Believed only if it was said to us, by this tenant, just now."""
    tenant, now = str(claims.get("tid", "")).casefold(), time.time()
    issuer = f"{access.login_url.rstrip('/')}/{tenant}/v2.0"
    begins, ends = claims.get("nbf", 0), claims.get("exp")
    timely = isinstance(begins, int | float) and isinstance(ends, int | float) and begins - _SKEW < now < ends + _SKEW
    ours = str(claims.get("aud", "")).casefold() == access.app_id.casefold()
    if not (
        tenant and claims.get("oid") and ours and timely and str(claims.get("iss", "")).casefold() == issuer.casefold()
    ):
        raise ProtocolError("microsoft_answer", "claims", step="sign-in")
    at_home = (None, claims["iss"], f"https://sts.windows.net/{tenant}/")
    return Identity(
        tenant=tenant,
        object_id=str(claims["oid"]).casefold(),
        username=str(claims.get("preferred_username") or ""),
        email=str(claims.get("email") or ""),
        is_member=claims.get("idp") in at_home and str(claims.get("acct", "0")) == "0",
    )


def _refused(answer: Mapping[str, Any]) -> ConnectionRefused:
    found = re.search(r"AADSTS(\d+)", str(answer.get("error_description", "")))
    code = REFUSALS.get(int(found.group(1))) if found else None
    word = str(answer.get("error", ""))
    return ConnectionRefused(code or WORDS.get(word, OTHER), found.group() if found else "")


def _session(access: GraphAccess) -> http.Session:
    """Somebody waits for the page."""
    return http.session(
        ca_file=access.ca_file, allow_private=access.allow_private, timeout=(5.0, 15.0), answer_seconds=30.0
    )
