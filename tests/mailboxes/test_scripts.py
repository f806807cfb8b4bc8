"""The set-up assistant's PowerShell, read by PowerShell's own rules: right for each version, each value one literal."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samklang.mailboxes.script_words import NOTES, WORDS
from samklang.mailboxes.scripts import KINDS, Kind, Order, Scope, Script, ScriptRefused, write
from tests.mailboxes.powershell import SINGLE, literals, parameters, skeleton

ACCOUNT, APP = r"CONTOSO\sync", "5a3c1a9e-0000-4000-8000-0000000000a1"
ROLES = ("2010", "2013", "2016", "2019", "se")
VALUES = {
    Kind.EVERYBODY: "",
    Kind.GROUP: "Sync users",
    Kind.OU: "contoso.com/Staff",
    Kind.FILTER: "Department -eq 'Sales'",
    Kind.UNIT: "9d4e6a0e-0000-4000-8000-000000000001",
}
EVERY = [(version, kind) for version, kinds in KINDS.items() for kind in kinds]
PARTS = ("grant", "check", "undo")
#: Commands and parameters a version does not know, or that are another's (EWS facts §4, Graph facts §2.4).
CLOUD_ONLY = {
    *("-app", "-customresourcescope", "-recipientgroupscope", "-recipientadministrativeunitscope", "-objectid"),
    *("connect-exchangeonline", "new-serviceprincipal", "test-serviceprincipalauthorization"),
}
ROLES_ONLY = {"new-managementroleassignment", "new-managementscope", "get-managementroleassignment", "-automapping"}
RIGHTS_ONLY = {"add-adpermission", "-extendedrights", "get-exchangeserver"}
SERVER_ONLY = {"-recipientorganizationalunitscope", "-customrecipientwritescope", "add-mailboxpermission"}
FORBIDDEN = {
    "2007": CLOUD_ONLY | ROLES_ONLY | {"-resourcescope"},
    **dict.fromkeys(ROLES, CLOUD_ONLY | RIGHTS_ONLY),
    "office365": RIGHTS_ONLY | SERVER_ONLY | {"-user"},
}


def order(kind: Kind = Kind.EVERYBODY, **more: object) -> Order:
    return replace(Order(account=ACCOUNT, app=APP, scope=Scope(kind, VALUES[kind])), **more)  # type: ignore[arg-type]


def everything(script: Script) -> str:
    return script.grant + script.check + script.undo


def refusal(version: str, asked: Order) -> tuple[str, str]:
    with pytest.raises(ScriptRefused) as caught:
        write(version, asked)
    return caught.value.code, caught.value.field


# --- the right commands for each version


def test_2007_gives_both_rights_where_they_are_held() -> None:
    assert write("2007", order()).grant == (
        "Get-ExchangeServer | where {$_.IsClientAccessServer -eq $TRUE} | ForEach-Object {\n"
        r"  Add-ADPermission -Identity $_.DistinguishedName -User (Get-User -Identity 'CONTOSO\sync').Identity"
        " -ExtendedRights ms-Exch-EPI-Impersonation }\n"
        "Get-MailboxDatabase | ForEach-Object {\n"
        r"  Add-ADPermission -Identity $_.DistinguishedName -User 'CONTOSO\sync'"
        " -ExtendedRights ms-Exch-EPI-May-Impersonate }\n"
    )


@pytest.mark.parametrize(
    ("kind", "holders"),
    [
        (Kind.GROUP, "Get-DistributionGroupMember -Identity 'Sync users' -ResultSize Unlimited | where"),
        (Kind.OU, "Get-Mailbox -ResultSize Unlimited -OrganizationalUnit 'contoso.com/Staff' | ForEach-Object"),
        (Kind.FILTER, "Get-Mailbox -ResultSize Unlimited -Filter 'Department -eq ''Sales''' | ForEach-Object"),
    ],
)
def test_2007_is_limited_by_giving_the_right_to_each_user(kind: Kind, holders: str) -> None:
    script = write("2007", order(kind))
    for part in PARTS:
        assert holders in getattr(script, part)
    assert "Get-MailboxDatabase" not in everything(script)
    assert "again_2007_users" in script.notes


def test_2007_says_who_must_not_be_an_administrator_and_when_to_run_it_again() -> None:
    assert {"no_administrator", "authorization_group", "again_2007"} <= set(write("2007", order()).notes)


ASSIGNED = r"New-ManagementRoleAssignment -Name 'Samklang' -Role 'ApplicationImpersonation' -User 'CONTOSO\sync'"


@pytest.mark.parametrize("version", ROLES)
@pytest.mark.parametrize(
    ("kind", "grant"),
    [
        (Kind.EVERYBODY, [ASSIGNED]),
        (
            Kind.GROUP,
            [
                "$group = Get-DistributionGroup -Identity 'Sync users'",
                """$filter = "MemberOfGroup -eq '" + ($group.DistinguishedName -replace "'", "''") + "'\"""",
                "New-ManagementScope -Name 'Samklang' -RecipientRestrictionFilter $filter",
                ASSIGNED + " -CustomRecipientWriteScope 'Samklang'",
            ],
        ),
        (Kind.OU, [ASSIGNED + " -RecipientOrganizationalUnitScope 'contoso.com/Staff'"]),
        (
            Kind.FILTER,
            [
                "New-ManagementScope -Name 'Samklang' -RecipientRestrictionFilter 'Department -eq ''Sales'''",
                ASSIGNED + " -CustomRecipientWriteScope 'Samklang'",
            ],
        ),
    ],
)
def test_since_2010_a_role_is_assigned_in_the_scope_chosen(version: str, kind: Kind, grant: list[str]) -> None:
    assert write(version, order(kind)).grant.splitlines() == grant


@pytest.mark.parametrize("kind", KINDS["office365"])
def test_microsoft_365_is_limited_and_the_consent_that_would_defeat_it_is_taken_away(kind: Kind) -> None:
    script = write("office365", order(kind))
    assigned = "New-ManagementRoleAssignment -Name 'Samklang' -App $app.Id -Role 'Application Calendars.ReadWrite'"
    unit = f" -RecipientAdministrativeUnitScope '{VALUES[Kind.UNIT]}'"
    assert assigned + (unit if kind == Kind.UNIT else " -CustomResourceScope 'Samklang'") in script.grant
    assert "Remove-MgServicePrincipalAppRoleAssignment" in script.grant
    assert "Remove-MgServicePrincipalAppRoleAssignment" not in script.check + script.undo
    assert "Get-MgServicePrincipalAppRoleAssignment" in script.check
    assert {"tenant_wide", "two_hours", "consent_first"} <= set(script.notes)


def test_a_user_is_checked_by_name() -> None:
    resource = write("office365", order(Kind.GROUP, mailbox="alice@contoso.com")).check
    assert "Test-ServicePrincipalAuthorization -Identity $app.Id -Resource 'alice@contoso.com'" in resource
    assert "-WritableRecipient 'alice@contoso.com'" in write("2016", order(mailbox="alice@contoso.com")).check


@pytest.mark.parametrize(("version", "kind"), EVERY)
def test_no_version_is_given_what_it_does_not_know(version: str, kind: Kind) -> None:
    more = {"full_access": version in ROLES, "mailbox": "alice@contoso.com"}
    script = write(version, order(kind, **more))
    assert parameters(everything(script)) & FORBIDDEN[version] == set()


@pytest.mark.parametrize(("version", "kind"), EVERY)
def test_what_is_made_is_undone_without_asking_and_no_list_ends_at_a_thousand(version: str, kind: Kind) -> None:
    script = write(version, order(kind, full_access=version in ROLES))
    for line in script.undo.splitlines():
        assert "Remove-" not in line or "-Confirm:$false" in line
    assert ("New-ManagementScope" in script.grant) == ("Remove-ManagementScope" in script.undo)
    assert ("New-ManagementRoleAssignment" in script.grant) == ("Remove-ManagementRoleAssignment" in script.undo)
    assert ("Add-ADPermission" in script.grant) == ("Remove-ADPermission" in script.undo)
    for line in everything(script).splitlines():
        many = any(name in line for name in ("Get-Mailbox ", "Get-Recipient ", "Get-DistributionGroupMember "))
        assert many == ("-ResultSize Unlimited" in line)


@pytest.mark.parametrize("kind", KINDS["2016"])
def test_full_access_is_given_only_when_asked_for_and_never_opens_mailboxes_in_outlook(kind: Kind) -> None:
    assert "FullAccess" not in everything(write("2016", order(kind)))
    script = write("2016", order(kind, full_access=True))
    # -AutoMapping came with a service pack of 2010.
    assert "ContainsKey('AutoMapping')) { $quiet['AutoMapping'] = $false }" in script.grant
    assert "-AccessRights FullAccess -InheritanceType All @quiet" in script.grant
    assert "Remove-MailboxPermission" in script.undo
    assert "full_access" in script.notes
    if kind != Kind.EVERYBODY:
        limit = "-OrganizationalUnit 'contoso.com/Staff'" if kind == Kind.OU else "-Filter "
        assert all(limit in getattr(script, part) for part in PARTS)


@pytest.mark.parametrize(
    ("version", "asked", "code", "field"),
    [
        ("office365", order(), "scope_not_here", "kind"),
        ("office365", order(Kind.OU), "scope_not_here", "kind"),
        ("2016", order(Kind.UNIT), "scope_not_here", "kind"),
        ("2007", order(full_access=True), "full_access_not_here", "full_access"),
        ("office365", order(Kind.GROUP, full_access=True), "full_access_not_here", "full_access"),
        ("2013", order(account=" "), "value_missing", "account"),
        ("office365", order(Kind.GROUP, app=""), "value_missing", "app"),
        ("2013", order(scope=Scope(Kind.GROUP)), "value_missing", "scope"),
        ("2013", order(name="n" * 65), "value_too_long", "name"),
        ("2013", order(scope=Scope(Kind.OU, "u" * 1025)), "value_too_long", "scope"),
        ("2013", order(scope=Scope(Kind.FILTER, "Name -eq 'O'Brien'")), "filter_quotes", "scope"),
        ("2007", order(scope=Scope(Kind.FILTER, 'Name -eq "')), "filter_quotes", "scope"),
    ],
)
def test_what_cannot_be_written_is_refused_with_its_field(version: str, asked: Order, code: str, field: str) -> None:
    assert refusal(version, asked) == (code, field)


def test_a_name_of_64_characters_is_taken() -> None:
    assert f"'{'n' * 64}'" in write("se", order(name="n" * 64)).grant


def test_every_note_and_refusal_has_words() -> None:
    assert {note for v, k in EVERY for note in write(v, order(k, mailbox="a@b")).notes} <= NOTES.keys()
    assert all(text.endswith(".") for pair in WORDS.values() for text in pair)


# --- hostile values

HOSTILE = [
    "O'Brien",
    "it\u2019s \u2018so\u2019 \u201aand\u201b",
    "'; Remove-Mailbox alice; '",
    "\u2019; Remove-Mailbox alice; \u2019",
    '$(Remove-Mailbox alice) `$x "quoted" \u201cso\u201d',
    "%{Remove-Mailbox} | # ; & @( ) { } \\",
    "''''",
    "'",
    "-Confirm:$false",
]


@pytest.mark.parametrize(("version", "kind"), EVERY)
@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_value_is_one_literal_and_changes_nothing_else(version: str, kind: Kind, value: str) -> None:
    tame = order(kind, mailbox="m", name="n")
    wild = replace(tame, account=value, mailbox=value, name=value)
    if kind in (Kind.GROUP, Kind.OU, Kind.UNIT):
        wild = replace(wild, scope=Scope(kind, value))
    for part in PARTS:
        written, plain = getattr(write(version, wild), part), getattr(write(version, tame), part)
        assert skeleton(written) == skeleton(plain)
        pairs = list(zip(literals(plain), literals(written), strict=True))
        assert all(theirs in (mine, value) for mine, theirs in pairs)
        assert all(theirs == value for mine, theirs in pairs if mine in (ACCOUNT, "m", "n"))


@given(value=st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp")), min_size=1, max_size=60))
def test_any_value_that_can_be_seen_is_one_literal(value: str) -> None:
    if value.strip():
        script = write("2016", order(account=value))
        assert literals(script.grant) == ["Samklang", "ApplicationImpersonation", value.strip()]


@given(text=st.text(st.sampled_from([*SINGLE, *'$`"()abc ']), max_size=20))
def test_a_filter_arrives_as_it_was_typed(text: str) -> None:
    expression = "Department -eq '{}'".format(text.replace("'", "''"))
    grant = write("2019", order(scope=Scope(Kind.FILTER, expression))).grant
    assert literals(grant)[1] == expression


@pytest.mark.parametrize("character", ["\n", "\r", "\x00", "\x1b", "\x85", "\u2028", "\u2029", "\u202e", "\u200b"])
@pytest.mark.parametrize("field", ["account", "name", "mailbox", "scope"])
def test_a_line_break_or_what_cannot_be_seen_is_refused(field: str, character: str) -> None:
    value = f"a{character}b"
    wild = {"scope": Scope(Kind.GROUP, value)} if field == "scope" else {field: value}
    assert refusal("2016", order(**wild)) == ("value_unseen", field)
