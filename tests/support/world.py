"""A small account to test with, made through the services."""

from dataclasses import dataclass, field
from functools import lru_cache

from doorward.accounts.service import create_account
from doorward.applications.service import command_line_application
from doorward.channels.service import create_channel
from doorward.credentials.types import create_type
from doorward.db.unit_of_work import Database, Transaction
from doorward.kit.clock import Clock
from doorward.kit.crypto import Vault, hash_password
from doorward.oauth.scopes import ALL_SCOPES
from doorward.oauth.tokens import create_token
from doorward.people.service import create_person
from doorward.sites.service import create_site
from doorward.users.service import create_user

ALL = " ".join(sorted(ALL_SCOPES))
PASSWORD = "correct horse battery staple"
"""Every operator's."""


@lru_cache(maxsize=1)
def _hash_of_password() -> str:
    """Made once: it takes long."""
    return hash_password(PASSWORD)


@dataclass
class World:
    """An account with two sites, three channels (the third at the second site), an owner and Ada with card 1234."""

    database: Database
    vault: Vault
    clock: Clock
    time_zone: str = "Europe/London"
    account_id: int = 0
    site_ids: list[int] = field(default_factory=list)
    channel_ids: list[int] = field(default_factory=list)
    person_id: int = 0
    owner_id: int = 0
    token: str = ""
    _users: int = 0

    def build(self) -> "World":
        """Make it."""
        now = self.clock.now()

        def make(transaction: Transaction) -> None:
            self.account_id = account_id = create_account(transaction, "Acme", self.time_zone, now)
            self.site_ids = [
                create_site(transaction, account_id, {"name": name}, now).id for name in ("North", "South")
            ]
            for kind in ("card", "pin"):
                label = {"label": f"{kind} number", "slug": f"{kind}_number" if kind == "card" else kind, "kind": kind}
                create_type(transaction, account_id, label, now)
            north, south = self.site_ids
            for name, site_id in (("Front door", north), ("Back door", north), ("Far door", south)):
                body = {"name": name, "site_id": site_id}
                self.channel_ids.append(create_channel(transaction, account_id, body, now).id)

        self.database.write_now(make)
        self.person_id = self.person("Ada", "Lovelace", card_number="1234", pin="4711")
        self.owner_id, self.token = self.user("owner")
        return self

    def person(self, first_name: str, last_name: str, **more: object) -> int:
        """Somebody of the account."""
        now = self.clock.now()
        body = {"first_name": first_name, "last_name": last_name, **more}
        return self.database.write_now(
            lambda transaction: create_person(transaction, self.vault, self.account_id, body, now).id
        )

    def user(self, role: str, *, site_ids: list[int] | None = None, scopes: str = ALL) -> tuple[int, str]:
        """An operator, and a token for them."""
        now = self.clock.now()
        self._users += 1
        body: dict[str, object] = {
            "email": f"{role}{self._users}.{self.account_id}@acme.example",
            "role": role,
            "password": PASSWORD,
        }
        if site_ids is not None:
            body["site_ids"] = site_ids

        def make(transaction: Transaction) -> int:
            return create_user(transaction, self.account_id, body, _hash_of_password(), now).id

        user_id = self.database.write_now(make)
        return user_id, self.new_token(user_id, scopes)

    def new_token(self, user_id: int, scopes: str = ALL, seconds: int = 86_400) -> str:
        """Another token for an operator."""
        now = self.clock.now()

        def make(transaction: Transaction) -> str:
            application = command_line_application(transaction, self.account_id, now)
            return create_token(
                transaction,
                account_id=self.account_id,
                application_id=application.id,
                user_id=user_id,
                scopes=scopes,
                now=now,
                seconds=seconds,
            )

        return self.database.write_now(make)
