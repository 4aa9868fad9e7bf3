"""What a command works with: the database, the vault, the clock, and the account it is about."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, TypeVar

import typer

from doorward.accounts.service import Account, get_account, list_accounts
from doorward.db.connect import open_database
from doorward.db.migrate import ready
from doorward.db.unit_of_work import Database, Work
from doorward.kit import public_ids
from doorward.kit.clock import Clock, SystemClock
from doorward.kit.crypto import Vault, load_secret_key
from doorward.kit.errors import BadRequest, NotFound
from doorward.kit.fields import LARGEST_ID
from doorward.settings import Settings, load

T = TypeVar("T")

DatabaseOption = Annotated[
    str | None,
    typer.Option("--database", help="sqlite:///PATH or postgresql://… [env: DOORWARD_DATABASE]", show_default=False),
]
DataDirOption = Annotated[
    str | None,
    typer.Option(
        "--data-dir",
        help="Directory of keys, control socket and SQLite file [env: DOORWARD_DATA_DIR]",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
AccountOption = Annotated[
    str | None, typer.Option("--account", help="The account's id; needed only where there are several.")
]


@dataclass
class Session:
    """One command's view of the installation."""

    settings: Settings
    database: Database
    clock: Clock

    def read(self, work: Work[T]) -> T:
        """Run work that only reads."""
        return self.database.read_now(work)

    def write(self, work: Work[T]) -> T:
        """Run work that writes, and commit."""
        return self.database.write_now(work)

    @cached_property
    def vault(self) -> Vault:
        """Encrypts and finds PINs."""
        return open_vault(self.settings)

    def account(self, given: str | None = None) -> Account:
        """The account that is meant: by its public id or its number; the only one if none is named.

        Raises BadRequest if there is none, or several and none is named.
        """
        if given is not None:
            account_id = public_ids.decode("account", given)
            if account_id is None and given.isascii() and given.isdigit():
                account_id = min(int(given[:19]), LARGEST_ID)
            try:
                return self.read(lambda transaction: get_account(transaction, account_id or 0))
            except NotFound:
                raise BadRequest(f"--account: there is no account {given}") from None
        accounts = self.read(list_accounts)
        if not accounts:
            raise BadRequest("there is no account yet: doorward account create NAME --time-zone TZ")
        if len(accounts) > 1:
            raise BadRequest("there are several accounts: name one with --account ID (see doorward account list)")
        return accounts[0]


def open_vault(settings: Settings) -> Vault:
    """The vault of the installation's secret key, which is made at first use. Raises SecretKeyError."""
    return Vault(load_secret_key(settings.secret_key, settings.secret_key_file))


@contextmanager
def open_session(
    database: str | None = None, data_dir: str | None = None, clock: Clock | None = None
) -> Iterator[Session]:
    """Open the database of the options, creating the schema in an empty one. Raises DatabaseTooOld for an old one."""
    settings = load(database=database, data_dir=data_dir)
    ready(settings.database)
    opened = open_database(settings.database)
    try:
        yield Session(settings, opened, clock or SystemClock())
    finally:
        opened.close()
