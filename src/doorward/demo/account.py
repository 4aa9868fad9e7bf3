"""Make the example account, or take the one that is there; say what is in it."""

import json
import os
import shlex
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select

from doorward import followers
from doorward.accounts.service import Account, create_account, list_accounts
from doorward.applications.client_secrets import ClientSecret, new_client_secret
from doorward.applications.service import command_line_application, create_application
from doorward.channels.service import create_channel, list_channels
from doorward.credentials.types import create_type
from doorward.db.connect import open_database
from doorward.db.migrate import upgrade
from doorward.db.query import Query
from doorward.db.unit_of_work import Transaction
from doorward.demo import house
from doorward.groups.service import create_group, list_groups
from doorward.installation.vault import open_vault
from doorward.kit import public_ids
from doorward.kit.clock import SystemClock
from doorward.kit.crypto import Vault
from doorward.kit.errors import Unauthorized
from doorward.kit.timestamps import format_instant, local_datetime, local_to_instant
from doorward.oauth.scopes import ALL_SCOPES
from doorward.oauth.tables import applications
from doorward.oauth.tokens import authenticate, create_token
from doorward.people.service import create_person
from doorward.roles.service import create_role, list_roles
from doorward.settings import Settings, load
from doorward.shifts.holidays import import_holidays
from doorward.shifts.service import create_shift, list_shifts
from doorward.sites.service import create_site
from doorward.sync.compiler import read_people
from doorward.users.passwords import Prepared, prepare_now
from doorward.users.service import create_user, list_users

_TOKEN_SECONDS: Final = 30 * 86_400
_SCOPES: Final = " ".join(sorted(ALL_SCOPES))
_SECRETS: Final = "demo.json"


class _Fresh(NamedTuple):
    """Secrets of a new account, hashed before its transaction begins."""

    password: Prepared
    client_secret: ClientSecret


class _Application(NamedTuple):
    id: int
    client_id: str
    redirect_uris: str


_APPLICATIONS: Final = Query(
    select(applications.c.id, applications.c.client_id, applications.c.redirect_uris)
    .where(
        applications.c.account_id == bindparam("account_id"),
        applications.c.kind == "registered",
        applications.c.removed_at.is_(None),
    )
    .order_by(applications.c.id),
    _Application,
)


@dataclass(frozen=True, slots=True)
class Demo:
    """The account that `doorward demo` shows, and the secrets made with it (None where it was there before)."""

    data_dir: str
    database: str
    account_id: str
    time_zone: str
    owner: dict[str, Any]
    application: dict[str, Any] | None
    token: str
    people: list[dict[str, Any]]
    channels: list[dict[str, Any]]
    groups: list[dict[str, Any]]
    roles: list[dict[str, Any]]
    shifts: list[dict[str, Any]]
    now: int

    def answer(self, base_url: str) -> dict[str, Any]:
        """The object that `--json` prints."""
        return {
            "base_url": base_url,
            "data_dir": self.data_dir,
            "database": self.database,
            "account_id": self.account_id,
            "time_zone": self.time_zone,
            "owner": self.owner,
            "application": self.application,
            "token": self.token,
            "people": self.people,
            "channels": self.channels,
            "groups": self.groups,
            "roles": self.roles,
            "shifts": self.shifts,
        }

    def made(self) -> str:
        """What a newcomer reads where nothing is served yet."""
        serve = f".venv/bin/doorward serve {self._options}"
        return "\n".join(["", *self._account(), "Nothing serves it yet:", "", serve, ""])

    def welcome(self, base_url: str) -> str:
        """What a newcomer reads: what to open, and a curl for each of the two main requests."""
        lines = [
            "",
            f"Doorward is running: open {base_url}/ in a browser; stop with Ctrl-C.",
            *self._account(),
        ]
        visitor = next((person for person in self.people if person["card"]), None)
        if visitor and self.channels and self.token:
            channel = self.channels[0]
            zone = ZoneInfo(self.time_zone)
            tomorrow = local_datetime(self.now, zone).replace(tzinfo=None) + timedelta(days=1)
            start = local_to_instant(tomorrow.replace(hour=9, minute=0, second=0, microsecond=0), zone)
            end = local_to_instant(tomorrow.replace(hour=17, minute=0, second=0, microsecond=0), zone)
            body = json.dumps(
                {
                    "person_id": visitor["id"],
                    "start_time": format_instant(start),
                    "end_time": format_instant(end),
                    "channel_ids": [channel["id"]],
                }
            )
            door = f".venv/bin/doorward door present {channel['id']} --card {visitor['card']} {self._options}"
            lines += [
                "",
                f"Let {visitor['name']} through {channel['name']} tomorrow, from nine to five:",
                "",
                f'curl -X POST "{base_url}/api/3/reservations" \\',
                f'  -H "Authorization: Bearer {self.token}" \\',
                '  -H "Content-Type: application/json" \\',
                f"  -d '{body}'",
                "",
                "List the roles, the reservation's among them:",
                "",
                f'curl "{base_url}/api/3/roles" -H "Authorization: Bearer {self.token}"',
                "",
                "Hold the visitor's card to the reader, now and tomorrow at ten (in another terminal):",
                "",
                door,
                f"{door} --at {format_instant(start + 3_600_000)}",
            ]
        return "\n".join([*lines, ""])

    def _account(self) -> list[str]:
        lines = [f"Example account {self.account_id}; its data is in {self.data_dir}."]
        if self.owner["email"]:
            password = self.owner["password"] or "that was set"
            lines.append(f"Its owner {self.owner['email']} has the password {password}.")
        return lines

    @property
    def _options(self) -> str:
        """What tells another command of this installation."""
        options = f"--data-dir {shlex.quote(self.data_dir)}"
        if self.database == load(data_dir=self.data_dir, environment={}).database:
            return options
        return f"{options} --database {shlex.quote(self.database)}"


def prepare_demo(settings: Settings) -> Demo:
    """Make the example account in an empty installation; take the first account of another as it is."""
    upgrade(settings.database)
    now = SystemClock().now()
    followers.install()
    database = open_database(settings.database)
    try:
        vault = open_vault(settings.secret_key, settings.secret_key_file, database)
        fresh = _Fresh(prepare_now({}, make=True), new_client_secret())

        def prepare(transaction: Transaction) -> tuple[Account, dict[str, Any]]:
            accounts = list_accounts(transaction)
            if accounts:
                return accounts[0], _known_secrets(transaction, accounts[0], settings.data_dir / _SECRETS, now)
            return _make(transaction, vault, fresh, now)

        account, secrets = database.write_now(prepare)
        _keep(settings.data_dir / _SECRETS, secrets)
        return database.read_now(lambda transaction: _describe(transaction, vault, settings, account, secrets, now))
    finally:
        database.close()


def _make(transaction: Transaction, vault: Vault, fresh: _Fresh, now: int) -> tuple[Account, dict[str, Any]]:
    account_id = create_account(transaction, house.ACCOUNT["name"], house.ACCOUNT["time_zone"], now)
    sites = {site["name"]: create_site(transaction, account_id, site, now).id for site in house.SITES}
    year = local_datetime(now, ZoneInfo(house.ACCOUNT["time_zone"])).year
    for site_name, country, region in house.HOLIDAYS:
        import_holidays(
            transaction,
            account_id,
            {"country": country, "subdivision": region, "years": [year, year + 1], "site_id": sites[site_name]},
            now,
        )
    for kind in house.CREDENTIAL_TYPES:
        create_type(transaction, account_id, kind, now)
    channels = {}
    for channel in house.CHANNELS:
        body = {name: value for name, value in channel.items() if name != "site"}
        body["site_id"] = sites[channel["site"]]
        channels[channel["name"]] = create_channel(transaction, account_id, body, now).id
    shifts = {shift["name"]: create_shift(transaction, account_id, shift, now).id for shift in house.SHIFTS}
    roles = {}
    for role in house.ROLES:
        body = {
            "name": role["name"],
            "notes": role.get("notes"),
            "channel_ids": [channels[name] for name in role["channels"]],
            "shift_id": shifts[role["shift"]] if "shift" in role else None,
        }
        roles[role["name"]] = create_role(transaction, account_id, body, now).id
    groups = {}
    for group in house.GROUPS:
        body = {
            "name": group["name"],
            "notes": group.get("notes"),
            "role_ids": [roles[name] for name in group["roles"]],
        }
        groups[group["name"]] = create_group(transaction, account_id, body, now).id
    everybody = [(" ".join(house.VISITOR), []), *house.PEOPLE]
    for number, (name, of_groups) in enumerate(everybody):
        first, last = name.split(" ", 1)
        body = {
            "first_name": first,
            "last_name": last,
            "email": f"person{number:02}@harbour.example",
            "group_ids": [groups[group] for group in of_groups],
            "card_number": str(4_040_000 + 7 * number + 1),
            "pin": "******",
        }
        create_person(transaction, vault, account_id, body, now)
    account = list_accounts(transaction)[0]
    return account, _make_secrets(transaction, account_id, fresh, now)


def _make_secrets(transaction: Transaction, account_id: int, fresh: _Fresh, now: int) -> dict[str, Any]:
    owner = create_user(transaction, account_id, dict(house.OWNER), fresh.password.password_hash, now)
    application = create_application(
        transaction, account_id, dict(house.APPLICATION), fresh.client_secret.secret_hash, now
    )
    return {
        "account_id": account_id,
        "owner": {"email": owner.email, "password": fresh.password.made},
        "application": {
            "client_id": application.client_id,
            "client_secret": fresh.client_secret.secret,
            "redirect_uri": house.APPLICATION["redirect_uris"][0],
        },
        "token": _new_token(transaction, account_id, owner.email, now),
    }


def _known_secrets(transaction: Transaction, account: Account, file: Path, now: int) -> dict[str, Any]:
    """The secrets of an account that was there before, as far as they were kept; the token is renewed if need be."""
    try:
        secrets: dict[str, Any] = json.loads(file.read_text())
    except (FileNotFoundError, ValueError):
        secrets = {}
    if secrets.get("account_id") != account.id:
        owner = next((user for user in list_users(transaction, account.id) if user.role == "owner"), None)
        found = transaction.one(_APPLICATIONS, account_id=account.id)
        secrets = {
            "account_id": account.id,
            "owner": {"email": None if owner is None else owner.email, "password": None},
            "application": None
            if found is None
            else {
                "client_id": found.client_id,
                "client_secret": None,
                "redirect_uri": next(iter(json.loads(found.redirect_uris)), None),
            },
            "token": "",
        }
    try:
        authenticate(transaction, secrets["token"], now)
    except Unauthorized:
        secrets["token"] = _new_token(transaction, account.id, secrets["owner"]["email"], now)
    return secrets


def _new_token(transaction: Transaction, account_id: int, email: str | None, now: int) -> str:
    user = next((user for user in list_users(transaction, account_id) if user.email == email), None)
    if user is None:
        return ""
    return create_token(
        transaction,
        account_id=account_id,
        application_id=command_line_application(transaction, account_id, now).id,
        user_id=user.id,
        scopes=_SCOPES,
        now=now,
        seconds=_TOKEN_SECONDS,
    )


def _keep(file: Path, secrets: dict[str, Any]) -> None:
    """Keep the example's secrets, for its owner's eyes, so that a second start can show them again."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(file.name + ".new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as opened:
        json.dump(secrets, opened)
    new.replace(file)


def _describe(
    transaction: Transaction,
    vault: Vault,
    settings: Settings,
    account: Account,
    secrets: dict[str, Any],
    now: int,
) -> Demo:
    people = []
    for person, credentials in sorted(read_people(transaction, vault, account.id), key=lambda entry: entry[0].id):
        if person.status != "deleted":
            held = {credential.kind: credential.value for credential in credentials}
            people.append({"id": person.id, "name": person.name, "card": held.get("card"), "pin": held.get("pin")})
    return Demo(
        data_dir=str(settings.data_dir),
        database=settings.database,
        account_id=public_ids.encode("account", account.id),
        time_zone=account.time_zone,
        owner=secrets["owner"],
        application=secrets["application"],
        token=secrets["token"],
        people=people,
        channels=[
            {"id": channel.id, "name": channel.name, "site_id": channel.site_id}
            for channel in sorted(list_channels(transaction, account.id), key=lambda channel: channel.id)
        ],
        groups=[{"id": group.id, "name": group.name} for group in list_groups(transaction, account.id)],
        roles=[{"id": role.id, "name": role.name} for role in list_roles(transaction, account.id, now)],
        shifts=[{"id": shift.id, "name": shift.name} for shift in list_shifts(transaction, account.id, now)],
        now=now,
    )
