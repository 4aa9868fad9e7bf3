"""Controllers as operators see them: who they are, which doors they serve, whether they are there.

A user who is limited to sites sees the controllers that serve a door there, with those doors only, and changes those
that serve no others.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, func, select, update

from doorward.audit import service as audit
from doorward.changes import reports
from doorward.changes import service as changes
from doorward.changes.reports import HEARD_WITHIN_MS, REPORTS, STANDING, Standing
from doorward.channels.tables import channels
from doorward.controllers import channel_keys
from doorward.controllers.tables import controllers
from doorward.db.query import Query, number
from doorward.db.unit_of_work import Transaction, require
from doorward.kit.crypto import Vault
from doorward.kit.errors import Forbidden, NotFound
from doorward.kit.structured_fields import StructuredFields
from doorward.oauth.principal import Principal
from doorward.sites.sight import VISIBLE, everywhere, visible_to

TOPIC: Final = "controllers"
"""What a transaction signals when controllers are removed, or doors are no longer theirs."""


class Controller(NamedTuple):
    """A controller, without its secrets. Instants are milliseconds UTC."""

    id: int
    account_id: int
    name: str
    software: str | None
    address: str | None
    """Where it last connected from."""
    enrolled_at: int
    connected_at: int | None
    last_seen_at: int | None
    clock_skew_ms: int | None
    """How far its clock was ahead of the server's."""
    spool_length: int | None
    """How many events it had still to tell."""
    last_sequence: int
    refused_frames: int

    def is_online(self, now: int) -> bool:
        """Whether it has been heard lately."""
        return self.last_seen_at is not None and now - self.last_seen_at <= HEARD_WITHIN_MS


class ServedChannel(NamedTuple):
    """A door that a controller serves, and how it stands to the database."""

    controller_id: int
    id: int
    name: str
    standing: Standing


class SeenController(NamedTuple):
    """A controller and those of its doors that whoever asks may see."""

    controller: Controller
    channels: list[ServedChannel]


def _served(controller_id: int, channel_id: int, name: str, *standing: Any) -> ServedChannel:
    return ServedChannel(controller_id, channel_id, name, Standing(*standing))


_COLUMNS: Final = tuple(controllers.c[name] for name in Controller._fields)
_IS_THERE: Final = (controllers.c.account_id == bindparam("account_id")) & controllers.c.removed_at.is_(None)
_ALL: Final = Query(select(*_COLUMNS).where(_IS_THERE).order_by(controllers.c.id), Controller)
_TO_CHANGE: Final = Query(
    select(*_COLUMNS).where(_IS_THERE, controllers.c.id == bindparam("the_id")).with_for_update(), Controller
)
_SERVED: Final = Query(
    select(channels.c.controller_id, channels.c.id, channels.c.name, *STANDING)
    .select_from(REPORTS)
    .where(VISIBLE, channels.c.controller_id.is_not(None))
    .order_by(channels.c.id),
    _served,
)
_SERVES: Final = Query(
    select(func.count()).select_from(channels).where(channels.c.controller_id == bindparam("the_id")), number
)
_RENAME: Final = Query[None](
    update(controllers).where(controllers.c.id == bindparam("the_id")).values(name=bindparam("the_name"))
)
_REMOVE: Final = Query[None](
    update(controllers).where(controllers.c.id == bindparam("the_id")).values(removed_at=bindparam("now"))
)


def list_controllers(
    transaction: Transaction, account_id: int, by: Principal | None = None, *, only: int | None = None
) -> list[SeenController]:
    """The account's controllers by id, those that `by` may see; nobody in particular (the command line) sees all."""
    sight: Mapping[str, int] = everywhere(account_id) if by is None else visible_to(by)
    served: dict[int, list[ServedChannel]] = defaultdict(list)
    for channel in transaction.all(_SERVED, **sight):
        served[channel.controller_id].append(channel)
    is_limited = by is not None and by.site_limited
    return [
        SeenController(controller, served[controller.id])
        for controller in transaction.all(_ALL, account_id=account_id)
        if (only is None or controller.id == only) and (served[controller.id] or not is_limited)
    ]


def get_controller(
    transaction: Transaction, account_id: int, controller_id: int, by: Principal | None = None
) -> SeenController:
    """One controller. Raises NotFound."""
    found = list_controllers(transaction, account_id, by, only=controller_id)
    if not found:
        raise NotFound
    return found[0]


def rename_controller(
    transaction: Transaction, account_id: int, controller_id: int, body: object, now: int, by: Principal | None = None
) -> SeenController:
    """Give it another name. Raises NotFound, Forbidden or Invalid."""
    before = _to_change(transaction, account_id, controller_id, by)
    fields = StructuredFields(body)
    name = fields.name("name", required=True)
    fields.check()
    after = before._replace(name=name or before.name)
    transaction.run(_RENAME, the_id=controller_id, the_name=after.name)
    audit.changed(transaction, account_id, "controller", before, after, now)
    return get_controller(transaction, account_id, controller_id, by)


def remove_controller(
    transaction: Transaction,
    vault: Vault,
    account_id: int,
    controller_id: int,
    now: int,
    by: Principal | None = None,
) -> None:
    """Let it serve no door any more; the doors' keys are replaced, so that those it has are worth nothing.

    Its row stays, by which it is told so when it connects. Raises NotFound or Forbidden.
    """
    gone = _to_change(transaction, account_id, controller_id, by)
    transaction.run(_REMOVE, the_id=controller_id, now=now)
    audit.deleted(transaction, account_id, "controller", gone, now)
    freed = channel_keys.of_controller(transaction, controller_id)
    for channel in freed:
        _, sealed = channel_keys.new_key(vault, account_id, channel.channel_id)
        channel_keys.assign(transaction, channel.channel_id, None, sealed, now)
    note_served(transaction, account_id, {channel.channel_id: controller_id for channel in freed}, None, now)


def confirmed_version(standing: Standing) -> int | None:
    """The last change that a door has confirmed; None: it is there, and has confirmed nothing yet."""
    return None if standing.version is None or standing.version < 0 else standing.version


def note_served(
    transaction: Transaction, account_id: int, before: Mapping[int, int | None], controller_id: int | None, now: int
) -> None:
    """Log that doors are another controller's, or nobody's, and note it for whoever drives them; to be done last.

    `before`: which controller served each.
    """
    after = {"controller_id": controller_id}
    done = [
        audit.Done(audit.CHANGED, channel_id, {"controller_id": served_by}, after)
        for channel_id, served_by in before.items()
    ]
    audit.record_many(transaction, account_id, "channel", done, now)
    transaction.signal(TOPIC)
    if before:
        reports.begin_anew(transaction, before)
        changes.note_each(transaction, account_id, now, channel_ids=before)


def _to_change(transaction: Transaction, account_id: int, controller_id: int, by: Principal | None) -> Controller:
    """The controller, for whoever sees all that it serves."""
    seen = get_controller(transaction, account_id, controller_id, by)
    found = transaction.one(_TO_CHANGE, account_id=account_id, the_id=controller_id)
    if found is None:
        raise NotFound
    if require(transaction.one(_SERVES, the_id=controller_id)) > len(seen.channels):
        raise Forbidden
    return found
