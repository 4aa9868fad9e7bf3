"""`doorward site lockdown | unlockdown`, `doorward account lockdown | unlockdown`: all doors at once."""

from time import monotonic, sleep
from typing import Annotated, Any, Final

import typer

from doorward.channels.confirming import DoorConfirmation, confirmations, unconfirmed
from doorward.channels.lockdown import Outcome, lift, lock_down
from doorward.cli.output import print_json, show
from doorward.cli.rows import given
from doorward.cli.session import AccountOption, DatabaseOption, DataDirOption, JsonOption, Session, open_session
from doorward.kit.errors import BadRequest, NotFound
from doorward.kit.text import sort_key
from doorward.sites.service import list_sites

SiteArgument = Annotated[str, typer.Argument(metavar="SITE", help="The site's id or name.")]
CardOption = Annotated[bool | None, typer.Option("--card/--no-card", help="Whether cards and PINs are refused.")]
AuxOption = Annotated[bool | None, typer.Option("--aux/--no-aux", help="Whether auxiliary inputs are.")]
RexOption = Annotated[bool | None, typer.Option("--rex/--no-rex", help="Whether even leaving is refused.")]
WaitOption = Annotated[
    bool, typer.Option("--wait/--no-wait", help="Whether to wait, for 5 seconds at the most, until the doors confirm.")
]

_WAIT_S: Final = 5.0
_LOOK_EVERY_S: Final = 0.1
_MOST_NAMED: Final = 20
_COLUMNS = ("id", "name", "site_id", "card_lockdown", "aux_lockdown", "rex_lockdown")


def lock_site(
    site: SiteArgument,
    card: CardOption = None,
    aux: AuxOption = None,
    rex: RexOption = None,
    wait: WaitOption = True,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Lock down all doors of a site: cards, PINs and inputs, unless told otherwise; leaving stays possible."""
    body = given(card_lockdown=card, aux_lockdown=aux, rex_lockdown=rex)
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        site_id = find_site(session, account_id, site)
        done = session.write(lambda transaction: lock_down(transaction, account_id, body, now, site_id=site_id))
        _show(session, account_id, site_id, done, wait, json)


def lift_site(
    site: SiteArgument,
    wait: WaitOption = True,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Lift the lockdown of all doors of a site."""
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        site_id = find_site(session, account_id, site)
        done = session.write(lambda transaction: lift(transaction, account_id, now, site_id=site_id))
        _show(session, account_id, site_id, done, wait, json)


def lock_account(
    card: CardOption = None,
    aux: AuxOption = None,
    rex: RexOption = None,
    wait: WaitOption = True,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Lock down all doors of the account, as `doorward site lockdown` does those of a site."""
    body = given(card_lockdown=card, aux_lockdown=aux, rex_lockdown=rex)
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        done = session.write(lambda transaction: lock_down(transaction, account_id, body, now))
        _show(session, account_id, None, done, wait, json)


def lift_account(
    wait: WaitOption = True,
    account: AccountOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Lift the lockdown of all doors of the account."""
    with open_session(database, data_dir) as session:
        account_id, now = session.account(account).id, session.clock.now()
        done = session.write(lambda transaction: lift(transaction, account_id, now))
        _show(session, account_id, None, done, wait, json)


def find_site(session: Session, account_id: int, wanted: str) -> int:
    """The site of this id or, without regard to case, of this name. Raises NotFound, or BadRequest for several."""
    sites = session.read(lambda transaction: list_sites(transaction, account_id))
    by_id = [site.id for site in sites if str(site.id) == wanted.strip()]
    found = by_id or [site.id for site in sites if sort_key(site.name) == sort_key(wanted.strip())]
    if not found:
        raise NotFound(f"there is no site {wanted}")
    if len(found) > 1:
        raise BadRequest(f"several sites are called {wanted}: name one by its id, of {', '.join(map(str, found))}")
    return found[0]


def _show(session: Session, account_id: int, site_id: int | None, done: Outcome, wait: bool, json: bool) -> None:
    rows: list[dict[str, Any]] = [{name: getattr(seen.channel, name) for name in _COLUMNS} for seen in done.channels]
    if not json:
        typer.echo(f"{done.changed} of {len(rows)} channels changed")
    doors = _confirmed(session, account_id, site_id) if wait else done.doors
    others = list(unconfirmed(doors, session.clock.now()))
    if json:
        named = [{"id": door.id, "name": door.name, "status": status} for door, status in others]
        counts = {"total": len(rows), "changed": done.changed, "confirmed": len(doors) - len(others)}
        print_json({**counts, "unconfirmed": named, "channels": rows})
        return
    typer.echo(_sentence(len(doors), [f"{door.name} ({status})" for door, status in others]))
    show(rows, json, _COLUMNS)


def _confirmed(session: Session, account_id: int, site_id: int | None) -> list[DoorConfirmation]:
    """Wait for the doors that can be reached, but not for long; gives how they stand then."""
    until = monotonic() + _WAIT_S
    while True:
        doors = session.read(lambda transaction: confirmations(transaction, account_id, site_id))
        waiting = any(status == "waiting" for _, status in unconfirmed(doors, session.clock.now()))
        if not waiting or monotonic() >= until:
            return doors
        sleep(_LOOK_EVERY_S)


def _sentence(total: int, others: list[str]) -> str:
    """How many doors have confirmed, and which have not."""
    if not others:
        return {0: "There is no door", 1: "The door has confirmed"}.get(total, f"All {total} doors have confirmed")
    more = len(others) - _MOST_NAMED
    named = ", ".join(others[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    return f"{total - len(others)} of {total} doors have confirmed; not: {named}"
