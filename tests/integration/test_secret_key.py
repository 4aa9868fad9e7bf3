"""installation/vault.py on both databases: a lost or wrong key is noticed."""

import base64
from pathlib import Path

import pytest

from doorward.db.unit_of_work import Database
from doorward.installation.service import claim_key, key_fingerprint
from doorward.installation.vault import open_vault
from doorward.kit.crypto import SecretKeyError, Vault

OTHER = base64.b64encode(bytes(32)).decode()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the key is kept."""
    return tmp_path / "data" / "secret.key"


def test_a_new_database_gets_a_key_and_is_opened_with_it_ever_after(database: Database, file: Path) -> None:
    made = open_vault(None, file, database)
    assert file.stat().st_mode & 0o777 == 0o600
    assert open_vault(None, file, database).fingerprint == made.fingerprint
    assert database.read_now(key_fingerprint) == made.fingerprint
    assert open_vault(file.read_text(), file.with_name("elsewhere"), database).fingerprint == made.fingerprint


def test_a_lost_key_is_noticed_and_not_replaced(database: Database, file: Path) -> None:
    open_vault(None, file, database)
    file.unlink()
    with pytest.raises(SecretKeyError, match=f"restore {file} from the backup"):
        open_vault(None, file, database)
    assert not file.exists()


def test_a_wrong_key_is_refused(database: Database, file: Path, vault: Vault) -> None:
    open_vault(None, file, database)
    with pytest.raises(SecretKeyError, match="not the one of this database"):
        open_vault(OTHER, file, database)
    with pytest.raises(SecretKeyError, match="not the one of this database"):
        database.write_now(lambda transaction: claim_key(transaction, vault.fingerprint))


def test_the_fingerprint_tells_keys_apart(vault: Vault) -> None:
    assert len(vault.fingerprint) == 32
    assert vault.fingerprint == Vault(bytes(range(32))).fingerprint
    assert vault.fingerprint != Vault(bytes(32)).fingerprint
