"""Microsoft 365: the application limited to some mailboxes by "RBAC for Applications" (Graph facts §2.4).

What is consented to for the whole tenant counts besides, so that consent to calendars is taken away again; the other
permissions stay.
"""

from __future__ import annotations

from samklang.mailboxes.scripts.quoting import NAME_LONGEST, literal, quoted
from samklang.mailboxes.scripts.roles import restriction
from samklang.mailboxes.scripts.values import Kind, Order, Script, lines

#: Microsoft Graph itself, the same in every tenant.
_GRAPH = "00000003-0000-0000-c000-000000000000"
_PERMISSION = "Calendars.ReadWrite"
#: What the application holds for the whole tenant, of $app and $role.
_TENANT_WIDE = (
    "Get-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $app.Id -All |\n"
    "  Where-Object { $_.ResourceId -eq $graph.Id -and $_.AppRoleId -eq $role.Id }"
)
_REMOVED = (
    " | ForEach-Object {\n"
    "  Remove-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $app.Id -AppRoleAssignmentId $_.Id }"
)


def write(order: Order) -> Script:
    name = literal(order.name, "name", NAME_LONGEST)
    literal(order.app, "app")
    found, filtered = restriction(order)
    given = f"New-ManagementRoleAssignment -Name {name} -App $app.Id -Role {quoted(f'Application {_PERMISSION}')}"
    if order.scope.kind == Kind.UNIT:
        given += f" -RecipientAdministrativeUnitScope {literal(order.scope.value, 'scope')}"
    else:
        given += f" -CustomResourceScope {name}"
    made = filtered and f"New-ManagementScope -Name {name} -RecipientRestrictionFilter {filtered}"
    resource = f" -Resource {literal(order.mailbox, 'mailbox')}" if order.mailbox else ""
    return Script(
        grant=lines(
            _connected(order.app, "AppRoleAssignment.ReadWrite.All"),
            f"New-ServicePrincipal -AppId $app.AppId -ObjectId $app.Id -DisplayName {name}",
            found,
            made,
            given,
            _role(),
            _TENANT_WIDE + _REMOVED,
        ),
        check=lines(
            _connected(order.app),
            f"Test-ServicePrincipalAuthorization -Identity $app.Id{resource} | Format-Table",
            _role(),
            _TENANT_WIDE,
        ),
        undo=lines(
            _connected(order.app),
            f"Remove-ManagementRoleAssignment -Identity {name} -Confirm:$false",
            filtered and f"Remove-ManagementScope -Identity {name} -Confirm:$false",
            "Remove-ServicePrincipal -Identity $app.Id -Confirm:$false",
        ),
        notes=_notes(order),
    )


def _connected(app: str, *more: str) -> tuple[str, ...]:
    """Signed in to both, with the application as this tenant knows it in $app."""
    scopes = ", ".join(quoted(scope) for scope in ("Application.Read.All", *more))
    return ("Connect-ExchangeOnline", f"Connect-MgGraph -Scopes {scopes}", f"$app = {_principal(app)}")


def _role() -> tuple[str, ...]:
    return (
        f"$graph = {_principal(_GRAPH)}",
        f"$role = $graph.AppRoles | Where-Object {{ $_.Value -eq '{_PERMISSION}' }}",
    )


def _principal(app: str) -> str:
    known = quoted(app.strip().replace("'", "''"))
    return f"Get-MgServicePrincipal -Filter {quoted(f'AppId eq {known}')}"


def _notes(order: Order) -> tuple[str, ...]:
    notes = ["shell_online", "consent_first", "tenant_wide", "two_hours"]
    if order.scope.kind == Kind.GROUP:
        notes.append("direct_members")
    if order.mailbox:
        notes.append("check_in_scope")
    return tuple(notes)
