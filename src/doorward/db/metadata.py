"""What every table is declared on, and the few types of column there are (docs/decisions/0003).

Statements run on the drivers, past SQLAlchemy's result processing, so that a column has to come back as the same Python
value from both databases. Integers and text do: instants are milliseconds, flags are 0 and 1, lists are JSON text.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Integer,
    MetaData,
    SmallInteger,
    Text,
)
from sqlalchemy.types import TypeEngine

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

ID: TypeEngine[int] = BigInteger().with_variant(Integer(), "sqlite")
SORT_KEY: TypeEngine[str] = Text().with_variant(Text(collation="C"), "postgresql")
NEVER_REUSED: dict[str, Any] = {"sqlite_autoincrement": True}
"""Table option: an id is not given again after its row is gone (PostgreSQL's sequences do that anyway)."""


def key() -> Column[int]:
    """The primary key `id`."""
    return Column("id", ID, primary_key=True)


def reference(name: str, target: str, *, nullable: bool = False, **options: Any) -> Column[Any]:
    """A foreign key to another table's id; `ondelete` and `index` as in SQLAlchemy."""
    ondelete = options.pop("ondelete", None)
    return Column(
        name,
        ID,
        ForeignKey(f"{target}.id", ondelete=ondelete),
        nullable=nullable,
        **options,
    )


def instant(name: str, *, nullable: bool = False, **options: Any) -> Column[Any]:
    """Milliseconds since 1970-01-01T00:00Z."""
    return Column(name, BigInteger(), nullable=nullable, **options)


def flag(name: str, default: bool = False) -> Column[int]:
    """0 or 1."""
    return Column(name, SmallInteger(), nullable=False, server_default="1" if default else "0")


def text(name: str, *, nullable: bool = False, **options: Any) -> Column[Any]:
    """Text; limits are the services' business."""
    return Column(name, Text(), nullable=nullable, **options)


def number(name: str, *, nullable: bool = False, **options: Any) -> Column[Any]:
    """An integer of 32 bits."""
    return Column(name, Integer(), nullable=nullable, **options)
