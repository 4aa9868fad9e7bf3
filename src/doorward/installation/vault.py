"""Open the vault of an installation: its secret key, and the proof that it is the database's."""

from pathlib import Path

from doorward.db.unit_of_work import Database
from doorward.installation.service import check_key, claim_key, key_fingerprint
from doorward.kit.crypto import Vault, load_secret_key


def open_vault(configured: str | None, path: Path, database: Database) -> Vault:
    """The vault of the configured key, or of the one in the file; only for a new database a key is made.

    Not to be called within a transaction. Raises SecretKeyError if the key is missing, malformed or another one.
    """
    known = database.read_now(key_fingerprint)
    vault = Vault(load_secret_key(configured, path, may_create=known is None))
    if known is None:
        database.write_now(lambda transaction: claim_key(transaction, vault.fingerprint))
    else:
        check_key(known, vault.fingerprint)
    return vault
