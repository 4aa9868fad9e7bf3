"""What a command works with: the database, the vault, the clock, and the account it is about."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Final, TypeVar

import typer

from doorward import followers
from doorward.accounts.service import Account, get_account, list_accounts
from doorward.audit.service import Actor, acting
from doorward.db.connect import open_database, sqlite_path
from doorward.db.migrate import current, ready, require_newest
from doorward.db.unit_of_work import Database, Transaction, Work
from doorward.installation.vault import open_vault
from doorward.kit import public_ids
from doorward.kit.clock import Clock, SystemClock
from doorward.kit.crypto import Vault
from doorward.kit.errors import BadRequest, NotFound
from doorward.kit.fields import LARGEST_ID
from doorward.settings import Settings, load

T = TypeVar("T")

COMMAND_LINE: Final = Actor("command line")

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
        """Run work that writes, and commit; the audit log says that it was the command line."""

        def write(transaction: Transaction) -> T:
            with acting(COMMAND_LINE):
                return work(transaction)

        return self.database.write_now(write)

    @cached_property
    def vault(self) -> Vault:
        """Encrypts and finds PINs. To be asked for before a transaction begins. Raises SecretKeyError."""
        return open_vault(self.settings.secret_key, self.settings.secret_key_file, self.database)

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


@contextmanager
def open_session(
    database: str | None = None, data_dir: str | None = None, clock: Clock | None = None, *, create: bool = False
) -> Iterator[Session]:
    """Open the database of the options, creating the schema in an empty one only if told so.

    Raises BadRequest where there is no installation, WrongSchema for a database of another version.
    """
    settings = load(database=database, data_dir=data_dir)
    if create:
        ready(settings.database)
    elif current(settings.database) is None:
        raise BadRequest(
            f"there is no installation in {_place(settings)} yet: "
            "doorward account create NAME --time-zone TZ, or doorward demo"
        )
    require_newest(settings.database)
    followers.install()
    opened = open_database(settings.database)
    try:
        yield Session(settings, opened, clock or SystemClock())
    finally:
        opened.close()


def _place(settings: Settings) -> str:
    """Where the data is, without the password that a URL may have."""
    file = sqlite_path(settings.database)
    if file is None:
        return "the database"
    return str(file.parent if file.parent == settings.data_dir else file)
