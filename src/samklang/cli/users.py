"""`samklang user …`: the operator's acts on people. Each is audited."""

from __future__ import annotations

import argparse

from samklang.cli.output import WRONG_USE, Failure, open_database, print_json, read_secret, the_organization, the_user


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    user = commands.add_parser("user", help="people who sign in").add_subparsers(required=True, metavar="ACT")

    add = user.add_parser("add", help="add a person; with --admin and a new --org, the organization too")
    add.add_argument("--email", required=True)
    add.add_argument("--name", required=True)
    add.add_argument("--org", help="organization; may be left out while there is one")
    add.add_argument("--admin", action="store_true", help="an administrator of the organization")
    add.add_argument("--zone", default=None, help="IANA time zone, e.g. Europe/Stockholm")
    add.add_argument("--language", default=None, choices=["sv", "en"])
    add.add_argument("--password-file", required=True, help="file with the password, - for standard input")
    add.add_argument("--json", action="store_true")
    add.set_defaults(run=_add)

    listing = user.add_parser("list", help="who there is")
    listing.add_argument("--org")
    listing.add_argument("--json", action="store_true")
    listing.set_defaults(run=_list)

    password = user.add_parser("set-password", help="set a person's password")
    password.add_argument("email")
    password.add_argument("--password-file", required=True)
    password.set_defaults(run=_set_password)

    leaves = user.add_parser("deactivate", help="the person cannot sign in or sync; nothing is deleted")
    leaves.add_argument("email")
    leaves.set_defaults(run=_deactivate)

    returns = user.add_parser("activate", help="let the person in again; both calendars are read anew")
    returns.add_argument("email")
    returns.set_defaults(run=_activate)

    token = user.add_parser("token", help="make a personal access token; shown once, audited, visible to the person")
    token.add_argument("email")
    token.add_argument("--name", default="command line")
    token.add_argument("--json", action="store_true")
    token.set_defaults(run=_token)

    erase = user.add_parser("erase", help="erase a person who has left: account, own activities, links, history")
    erase.add_argument("email")
    erase.add_argument("--confirm", required=True, metavar="EMAIL", help="the same address again")
    erase.add_argument("--json", action="store_true")
    erase.set_defaults(run=_erase)


def _erase(args: argparse.Namespace) -> None:
    if args.confirm.strip().casefold() != args.email.strip().casefold():
        raise Failure("--confirm must repeat the address of the person to be erased.", WRONG_USE)
    open_database()
    from samklang.acts import data
    from samklang.mailboxes.messages import explain
    from samklang.mailboxes.services import Refused

    user = the_user(args.email)
    try:
        counts = data.erase_everything(user, by=None)
    except Refused as refused:
        raise Failure(explain(refused.code).sentence) from refused
    if args.json:
        print_json(counts)
    else:
        print(f"erased; {counts['deleted']} activities deleted, {counts['left_to_others']} left to others")


def _add(args: argparse.Namespace) -> None:
    password = read_secret(args.password_file)
    open_database()
    from django.db import transaction

    from samklang.accounts import services
    from samklang.accounts.models import Organization, Role
    from samklang.activities.types import found_organization

    try:
        with transaction.atomic():
            if args.org and args.admin and not Organization.objects.filter(name=args.org).exists():
                organization = found_organization(
                    args.org, language=args.language or "en", zone=args.zone or "Europe/Stockholm"
                )
            else:
                organization = the_organization(args.org)
            user = services.add_user(
                organization,
                args.email,
                args.name,
                password=password,
                role=Role.ADMINISTRATOR if args.admin else Role.USER,
                zone=args.zone,
                language=args.language,
            )
    except services.AccountError as error:
        raise Failure(str(error), WRONG_USE) from error
    if args.json:
        print_json({"id": user.psa_id, "email": user.email, "organization": organization.name})
    else:
        print(f"{user.email} was added to {organization.name}.")


def _deactivate(args: argparse.Namespace) -> None:
    open_database()
    from samklang.accounts import services

    try:
        services.deactivate(the_user(args.email))
    except services.AccountError as error:
        raise Failure(str(error)) from error


def _activate(args: argparse.Namespace) -> None:
    open_database()
    from samklang.accounts import services
    from samklang.mailboxes import finding
    from samklang.mailboxes.models import Mailbox

    user = the_user(args.email)
    services.activate(user)
    for mailbox in Mailbox.objects.filter(user=user, on=True).select_related("user__organization"):
        # What went while he was away is no delete of his (rule 8.5).
        finding.read_anew(mailbox, None)


def _list(args: argparse.Namespace) -> None:
    open_database()
    from samklang.accounts.models import User

    users = User.objects.select_related("organization").order_by("organization__name", "email")
    if args.org:
        users = users.filter(organization=the_organization(args.org))
    rows = [
        {"email": u.email, "name": u.name, "organization": u.organization.name, "role": u.role, "active": u.is_active}
        for u in users
    ]
    if args.json:
        print_json(rows)
    else:
        for row in rows:
            print(
                f"{row['email']:<40} {row['role']:<14} {row['organization']}{'' if row['active'] else '  (inactive)'}"
            )


def _set_password(args: argparse.Namespace) -> None:
    password = read_secret(args.password_file)
    open_database()
    from samklang.accounts import services

    try:
        services.set_password(the_user(args.email), password)
    except services.AccountError as error:
        raise Failure(str(error), WRONG_USE) from error
    print(f"The password of {args.email} was set.")


def _token(args: argparse.Namespace) -> None:
    open_database()
    from samklang.accounts import services
    from samklang.accounts.models import PersonalToken

    token, secret = services.make_token(the_user(args.email), args.name, made_by=PersonalToken.Maker.OPERATOR)
    if args.json:
        print_json({"email": args.email, "id": token.guid, "token": secret})
    else:
        print(secret)
