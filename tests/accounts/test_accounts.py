from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model

from samklang.accounts.models import AuditEvent, PersonalToken, Role, User
from samklang.accounts.services import (
    AccountError,
    SignInRefused,
    activate,
    add_user,
    authenticate,
    create_organization,
    deactivate,
    make_token,
    revoke_token,
    set_password,
    set_role,
    user_for_token,
)
from tests.people import PASSWORD, People, people

pytestmark = pytest.mark.django_db
HERE = "192.0.2.1"
SELF = PersonalToken.Maker.SELF


@pytest.fixture
def them() -> People:
    return people()


def test_a_person_signs_in_with_any_spelling_of_the_address(them: People) -> None:
    assert authenticate(" ALICE@Example.ORG ", PASSWORD, HERE) == them.alice


def test_a_wrong_password_an_unknown_address_and_an_inactive_user_get_the_same_answer(them: People) -> None:
    deactivate(them.bob)
    answers = set()
    for email, password in [
        ("alice@example.org", "wrong"),
        ("nobody@example.org", PASSWORD),
        ("bob@example.org", PASSWORD),
    ]:
        with pytest.raises(SignInRefused) as refused:
            authenticate(email, password, HERE)
        answers.add((refused.value.code, str(refused.value)))
    assert len(answers) == 1


def test_an_address_is_used_once_in_the_installation_whatever_its_case(them: People) -> None:
    for organization in (them.company, them.charlie.organization):
        with pytest.raises(AccountError) as refused:
            add_user(organization, "BOB@example.org", "Another Bob")
        assert refused.value.code == "email_taken"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"email": "no address"}, "email_invalid"),
        ({"name": "  "}, "name_missing"),
        ({"password": "short"}, "password_weak"),
        ({"zone": "Europe/Nowhere"}, "zone_unknown"),
        ({"language": "tlh"}, "language_unknown"),
    ],
)
def test_a_user_with_a_bad_value_is_refused_and_the_value_named(
    them: People, change: dict[str, str], code: str
) -> None:
    values = {"email": "dora@example.org", "name": "Dora", "password": PASSWORD} | change
    with pytest.raises(AccountError) as refused:
        add_user(them.company, **values)  # type: ignore[arg-type]
    assert refused.value.code == code
    assert not User.objects.with_address("dora@example.org").exists()


def test_an_organization_sees_its_own_users_only(them: People) -> None:
    assert set(User.objects.visible_to(them.bob)) == {them.alice, them.bob}
    assert set(User.objects.of(them.charlie.organization)) == {them.charlie}


def test_passwords_are_kept_as_argon2_only(them: People) -> None:
    assert them.alice.password.startswith("argon2")
    set_password(them.alice, "another long phrase", by=them.alice)
    assert authenticate("alice@example.org", "another long phrase", HERE) == them.alice
    with pytest.raises(SignInRefused):
        authenticate("alice@example.org", PASSWORD, HERE)


def test_a_token_acts_as_its_user_until_it_is_revoked(them: People) -> None:
    token, secret = make_token(them.alice, "reports", made_by=SELF)
    assert user_for_token(secret) == them.alice
    assert secret not in {str(value) for value in PersonalToken.objects.values_list("digest", flat=True)}
    token.refresh_from_db()
    assert token.last_used is not None
    revoke_token(token, by=them.alice)
    assert user_for_token(secret) is None
    assert user_for_token("samk_made-up") is None


def test_a_token_stops_with_its_user(them: People) -> None:
    _token, secret = make_token(them.bob, "phone", made_by=SELF)
    deactivate(them.bob, by=them.alice)
    assert user_for_token(secret) is None
    activate(them.bob, by=them.alice)
    assert user_for_token(secret) == them.bob


def test_nobody_sees_the_tokens_of_another_not_even_an_administrator(them: People) -> None:
    make_token(them.bob, "phone", made_by=PersonalToken.Maker.OPERATOR)
    assert PersonalToken.objects.visible_to(them.bob).count() == 1
    assert not PersonalToken.objects.visible_to(them.alice).exists()
    assert not PersonalToken.objects.of(them.charlie.organization).exists()


def test_an_organization_keeps_an_administrator(them: People) -> None:
    for act in (lambda: deactivate(them.alice), lambda: set_role(them.alice, Role.USER)):
        with pytest.raises(AccountError) as refused:
            act()
        assert refused.value.code == "last_administrator"
    set_role(them.bob, Role.ADMINISTRATOR, by=them.alice)
    deactivate(them.alice, by=them.bob)
    assert not User.objects.get(pk=them.alice.pk).is_active


def test_the_audit_tells_who_did_what_in_ids_alone(them: People) -> None:
    set_role(them.bob, Role.ADMINISTRATOR, by=them.alice)
    event = AuditEvent.objects.visible_to(them.alice).get(action="user.set_role")
    assert (event.actor, event.subject, event.details) == (them.alice, them.bob.psa_id, {"role": "administrator"})
    assert not AuditEvent.objects.visible_to(them.charlie).filter(action="user.set_role").exists()
    told = " ".join(f"{e.action} {e.subject} {e.details}" for e in AuditEvent.objects.all())
    assert "@" not in told and "Alice" not in told


def test_django_knows_our_user_model() -> None:
    assert get_user_model() is User


def test_an_organization_without_a_name_is_refused() -> None:
    with pytest.raises(AccountError) as refused:
        create_organization(" ")
    assert refused.value.code == "name_missing"
