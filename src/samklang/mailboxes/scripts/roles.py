"""Exchange 2010 to SE: the role ApplicationImpersonation, for everybody or in a scope (EWS facts §4).

Nothing that Exchange Online alone knows: -RecipientGroupScope, -App, -CustomResourceScope.
"""

from __future__ import annotations

from samklang.mailboxes.scripts.quoting import NAME_LONGEST, group_filter, literal, opath_literal
from samklang.mailboxes.scripts.values import Kind, Order, Script, lines

_ASSIGNMENTS = "Get-ManagementRoleAssignment -Role 'ApplicationImpersonation' -RoleAssignee"
#: -AutoMapping came with a service pack of 2010. Without it every mailbox would open in the delegate's own Outlook.
_QUIETLY = (
    "$quiet = @{}",
    "if ((Get-Command Add-MailboxPermission).Parameters.ContainsKey('AutoMapping')) { $quiet['AutoMapping'] = $false }",
)


def write(order: Order) -> Script:
    account = literal(order.account, "account")
    name = literal(order.name, "name", NAME_LONGEST)
    found, filtered = restriction(order)
    given = f"New-ManagementRoleAssignment -Name {name} -Role 'ApplicationImpersonation' -User {account}"
    made, removed, covered = "", "", ""
    if order.scope.kind == Kind.OU:
        unit = literal(order.scope.value, "scope")
        given += f" -RecipientOrganizationalUnitScope {unit}"
        covered = f"Get-Mailbox -ResultSize Unlimited -OrganizationalUnit {unit}"
    elif filtered:
        given += f" -CustomRecipientWriteScope {name}"
        made = f"New-ManagementScope -Name {name} -RecipientRestrictionFilter {filtered}"
        removed = f"Remove-ManagementScope -Identity {name} -Confirm:$false"
        covered = (
            f"$scope = Get-ManagementScope -Identity {name}\n"
            "Get-Recipient -ResultSize Unlimited -RecipientPreviewFilter $scope.RecipientFilter"
        )
    full = _FullAccess(order, account, found, filtered) if order.full_access else None
    return Script(
        grant=lines(found, made, given, full.grant if full else ()),
        check=lines(
            f"{_ASSIGNMENTS} {account} | Format-List Name, RecipientWriteScope, CustomRecipientWriteScope",
            covered and f"{covered} | Format-Table Name, PrimarySmtpAddress",
            _for_mailbox(order, account),
            full.check if full else (),
        ),
        undo=lines(
            full.undo if full else (),
            f"Remove-ManagementRoleAssignment -Identity {name} -Confirm:$false",
            removed,
        ),
        notes=_notes(order),
    )


def restriction(order: Order) -> tuple[tuple[str, ...], str]:
    """Lines that look up what a filter needs, and the argument that is the filter; nothing for other scopes."""
    if order.scope.kind == Kind.GROUP:
        return group_filter(order.scope.value), "$filter"
    if order.scope.kind == Kind.FILTER:
        return (), opath_literal(order.scope.value, "scope")
    return (), ""


def _for_mailbox(order: Order, account: str) -> str:
    """Which assignment covers one user's mailbox; none, no line."""
    if not order.mailbox:
        return ""
    return f"{_ASSIGNMENTS} {account} -WritableRecipient {literal(order.mailbox, 'mailbox')} | Format-List Name"


def _notes(order: Order) -> tuple[str, ...]:
    notes = ["shell"]
    if order.scope.kind == Kind.GROUP:
        notes.append("direct_members")
    if order.full_access:
        notes.append("full_access")
    if order.mailbox:
        notes.append("check_mailbox")
    return tuple(notes)


class _FullAccess:
    """Full access to the same mailboxes; who joins later needs it again."""

    def __init__(self, order: Order, account: str, found: tuple[str, ...], filtered: str) -> None:
        mailboxes = "Get-Mailbox -ResultSize Unlimited"
        if order.scope.kind == Kind.OU:
            mailboxes += f" -OrganizationalUnit {literal(order.scope.value, 'scope')}"
        elif filtered:
            mailboxes += f" -Filter {filtered}"
        right = f"-User {account} -AccessRights FullAccess -InheritanceType All"
        self.grant = (*_QUIETLY, f"{mailboxes} | Add-MailboxPermission {right} @quiet")
        self.check = (
            *found,
            f"{mailboxes} | Get-MailboxPermission -User {account} | Format-Table Identity, AccessRights",
        )
        self.undo = (*found, f"{mailboxes} | Remove-MailboxPermission {right} -Confirm:$false")
