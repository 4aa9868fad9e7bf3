"""Enrolment: a one-time code, by which a controller and the server come to share a key (docs/decisions/0018).

What is refused is refused in the same words, whether or not there is such a code; five wrong proofs end it. Whoever has
used it is given the same answer again as long as it would have held: the first may have been lost on its way.
"""

import base64
import hmac
import json
import secrets
from typing import Final, NamedTuple

import msgspec
from sqlalchemy import bindparam, delete, insert, or_, select, update

from doorward.accounts.service import get_account
from doorward.audit import service as audit
from doorward.channels.tables import channels
from doorward.controllers import channel_keys
from doorward.controllers.channel_keys import StoredKeys
from doorward.controllers.service import note_served
from doorward.controllers.tables import controllers, enrolment_codes
from doorward.db.query import Query, number, one_of
from doorward.db.unit_of_work import Transaction, require
from doorward.kit.crypto import Vault
from doorward.kit.errors import Conflict, Forbidden
from doorward.kit.structured_fields import StructuredFields
from doorward.link import keys
from doorward.oauth.principal import Principal
from doorward.sites.sight import accessible_channels
from doorward.users.tables import users

HOLDS_MS: Final = 10 * 60_000
MOST_WRONG_PROOFS: Final = 5
_KEPT_MS: Final = 86_400_000
_TRIES: Final = 20
_REFUSED: Final = "The code is wrong, has been used, or has expired: ask for another one"
"""One sentence for all that can be wrong."""


class ToServe(NamedTuple):
    """A door that a code is for, and which controller serves it now."""

    id: int
    name: str
    controller_id: int | None


class IssuedCode(NamedTuple):
    """A code, shown once. `channels`: those that another controller serves are taken over when the code is used."""

    id: int
    code: keys.EnrolmentCode
    expires_at: int
    channels: tuple[ToServe, ...]


class Request(NamedTuple):
    """What a controller asks with; who does not have the code's secret cannot make the proof."""

    lookup: str
    public_key: bytes
    nonce: bytes
    proof: bytes
    name: str
    software: str


class Enrolled(NamedTuple):
    """What it is answered; `sealed` opens only for who has the code's secret."""

    controller_id: int
    public_key: bytes
    nonce: bytes
    sealed: bytes


class _Used(msgspec.Struct, frozen=True):
    """By whom a code was used, and what they were answered; it takes the place of the code's secret."""

    public_key: bytes
    nonce: bytes
    proof: bytes
    answer: Enrolled


class _Code(NamedTuple):
    id: int
    account_id: int
    lookup: str
    secret: str
    channel_ids: str
    user_id: int | None


_FREE: Final = Query(
    select(enrolment_codes.c.id).where(enrolment_codes.c.lookup == bindparam("the_lookup")),
    number,
)
_ADD_CODE: Final = Query(
    insert(enrolment_codes)
    .values(
        {
            name: bindparam(name)
            for name in ("account_id", "lookup", "secret", "channel_ids", "user_id", "created_at", "expires_at")
        }
    )
    .returning(enrolment_codes.c.id),
    number,
)
_FORGET: Final = Query[None](delete(enrolment_codes).where(enrolment_codes.c.expires_at < bindparam("before")))
_NAMES: Final = Query(
    select(channels.c.id, channels.c.name, channels.c.controller_id)
    .where(one_of(channels.c.id, "ids"))
    .order_by(channels.c.id),
    ToServe,
)
_codes: Final = (
    select(*(enrolment_codes.c[name] for name in _Code._fields))
    .select_from(enrolment_codes.outerjoin(users, users.c.id == enrolment_codes.c.user_id))
    .where(
        enrolment_codes.c.lookup == bindparam("the_lookup"),
        enrolment_codes.c.expires_at > bindparam("now"),
        enrolment_codes.c.wrong_proofs < MOST_WRONG_PROOFS,
        # Whoever may do nothing any more has given out nothing.
        or_(enrolment_codes.c.user_id.is_(None), users.c.disabled_at.is_(None)),
    )
)
_HOLDING: Final = Query(
    _codes.where(enrolment_codes.c.used_at.is_(None)).with_for_update(of=enrolment_codes),
    _Code,
)
_USED: Final = Query(_codes.where(enrolment_codes.c.used_at.is_not(None)), _Code)
_WRONG: Final = Query[None](
    update(enrolment_codes)
    .where(enrolment_codes.c.id == bindparam("the_id"))
    .values(wrong_proofs=enrolment_codes.c.wrong_proofs + 1)
)
_USE: Final = Query[None](
    update(enrolment_codes)
    .where(enrolment_codes.c.id == bindparam("the_id"), enrolment_codes.c.used_at.is_(None))
    .values(used_at=bindparam("now"))
)
_KEEP_ANSWER: Final = Query[None](
    update(enrolment_codes).where(enrolment_codes.c.id == bindparam("the_id")).values(secret=bindparam("the_answer"))
)
_ADD: Final = Query(
    insert(controllers)
    .values(
        {
            name: bindparam(name)
            for name in ("account_id", "name", "public_key", "software", "address", "enrolled_at", "link_key")
        }
    )
    .returning(controllers.c.id),
    number,
)
_SET_LINK_KEY: Final = Query[None](
    update(controllers).where(controllers.c.id == bindparam("the_id")).values(link_key=bindparam("the_key"))
)
_DRIVERS: Final = Query(
    select(channels.c.id, channels.c.driver).where(one_of(channels.c.id, "ids")),
    lambda the_id, driver: (the_id, driver),
)


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(_Used)


class Refused(Forbidden):
    """403: there is no such code, or it does not hold, or whoever asks does not have it."""

    code = "forbidden"
    text = _REFUSED


def create_code(
    transaction: Transaction,
    vault: Vault,
    account_id: int,
    body: object,
    now: int,
    by: Principal | None = None,
) -> IssuedCode:
    """A code for the channels `channel_ids`, good for ten minutes and one use. Raises Invalid.

    A channel that another controller serves stays with it until the code is used.
    """
    fields = StructuredFields(body)
    wanted = fields.identities("channel_ids") or []
    if not wanted and "channel_ids" not in fields.errors:
        fields.complain("channel_ids", "can't be blank")
    known = accessible_channels(
        transaction,
        wanted,
        account_id=account_id,
        user_id=0 if by is None else by.user_id,
        site_limited=by is not None and by.site_limited,
    )
    missing = [each for each in wanted if each not in known]
    if missing:
        fields.complain("channel_ids", f"Not found for this account: {', '.join(map(str, missing))}")
    fields.check()
    transaction.run(_FORGET, before=now - _KEPT_MS)
    code = _free_code(transaction)
    the_id = require(
        transaction.one(
            _ADD_CODE,
            account_id=account_id,
            lookup=code.lookup,
            secret=vault.encrypt(code.secret, _code_context(code.lookup)),
            channel_ids=json.dumps(sorted(wanted)),
            user_id=None if by is None else by.user_id,
            created_at=now,
            expires_at=now + HOLDS_MS,
        )
    )
    audit.record(
        transaction, account_id, audit.CREATED, "enrolment_code", the_id, now, after={"channel_ids": sorted(wanted)}
    )
    found = transaction.all(_NAMES, ids=str(sorted(wanted)))
    return IssuedCode(the_id, code, now + HOLDS_MS, tuple(found))


def enrol(transaction: Transaction, vault: Vault, asked: Request, address: str, now: int) -> Enrolled | None:
    """Let a controller serve the channels of its code; None if it is refused, which is to be committed, too."""
    found = transaction.one(_HOLDING, the_lookup=asked.lookup, now=now)
    if found is None:
        _look_busy(asked)
        return _answered_before(transaction, vault, asked, now)
    code = keys.EnrolmentCode(found.lookup, vault.decrypt(found.secret, _code_context(found.lookup)))
    if not keys.is_proof(code, asked.public_key, asked.nonce, asked.proof):
        transaction.run(_WRONG, the_id=found.id)
        return None
    private_key, nonce = keys.new_private_key(), secrets.token_bytes(keys.NONCE_BYTES)
    try:
        shared = keys.agree(code, private_key, asked.public_key, asked.nonce + nonce)
    except keys.WrongKey:
        transaction.run(_WRONG, the_id=found.id)
        return None
    served = channel_keys.of_channels(transaction, json.loads(found.channel_ids), to_change=True)
    served = {the_id: each for the_id, each in served.items() if each.account_id == found.account_id}
    if not served or not transaction.run(_USE, the_id=found.id, now=now):
        return None
    actor = audit.Actor("enrolment code", found.user_id, address=address)
    with audit.acting(actor):
        controller_id, given = _add(
            transaction, vault, found.account_id, asked, (address, shared.link_key), served, now
        )
    answer = {
        "controller_id": controller_id,
        "account": get_account(transaction, found.account_id).name,
        "server_time": now,
        "channels": given,
    }
    sealed = keys.seal_once(shared.answer_key, json.dumps(answer, ensure_ascii=False).encode())
    enrolled = Enrolled(controller_id, keys.public_key_of(private_key), nonce, sealed)
    used = _encoder.encode(_Used(asked.public_key, asked.nonce, asked.proof, enrolled))
    kept = vault.encrypt(base64.b64encode(used).decode(), _code_context(found.lookup))
    transaction.run(_KEEP_ANSWER, the_id=found.id, the_answer=kept)
    return enrolled


def _answered_before(transaction: Transaction, vault: Vault, asked: Request, now: int) -> Enrolled | None:
    """What the very same request was answered. It tells nobody anything who only overhears it: it is sealed."""
    found = transaction.one(_USED, the_lookup=asked.lookup, now=now)
    if found is None:
        return None
    used = _decoder.decode(base64.b64decode(vault.decrypt(found.secret, _code_context(found.lookup))))
    is_same = hmac.compare_digest(
        used.public_key + used.nonce + used.proof, asked.public_key + asked.nonce + asked.proof
    )
    return used.answer if is_same else None


def command(issued: IssuedCode, server: str) -> str:
    """What to type where the controller is."""
    return f"doorward controller enrol --server {server} --code {issued.code} --data-dir DIR"


def link_context(controller_id: int) -> str:
    """What binds a controller's encrypted link key to its place (Vault.encrypt)."""
    return f"controller:{controller_id}"


def _add(
    transaction: Transaction,
    vault: Vault,
    account_id: int,
    asked: Request,
    secret: tuple[str, bytes],
    served: dict[int, StoredKeys],
    now: int,
) -> tuple[int, list[dict[str, object]]]:
    """The controller, its channels and their keys; gives its id and what it is told of the channels."""
    address, link_key = secret
    controller_id = require(
        transaction.one(
            _ADD,
            account_id=account_id,
            name=asked.name,
            public_key=asked.public_key.hex(),
            software=asked.software or None,
            address=address or None,
            enrolled_at=now,
            link_key="",
        )
    )
    transaction.run(
        _SET_LINK_KEY, the_id=controller_id, the_key=vault.encrypt(link_key.hex(), link_context(controller_id))
    )
    shown = {"name": asked.name, "channel_ids": sorted(served), "software": asked.software}
    audit.record(transaction, account_id, audit.CREATED, "controller", controller_id, now, after=shown)
    drivers = dict(transaction.all(_DRIVERS, ids=str(sorted(served))))
    given: list[dict[str, object]] = []
    for channel_id, stored in sorted(served.items()):
        key, sealed = _key_for(vault, stored)
        channel_keys.assign(transaction, channel_id, controller_id, sealed, now)
        given.append({"id": channel_id, "name": stored.name, "driver": drivers[channel_id], "key": key})
    before = {channel_id: stored.controller_id for channel_id, stored in served.items()}
    note_served(transaction, account_id, before, controller_id, now)
    return controller_id, given


def _key_for(vault: Vault, stored: StoredKeys) -> tuple[str, str]:
    """The key that a channel begins with at its controller, and encrypted: another one if a controller has had it."""
    kept = stored.pending or stored.current
    if kept is None or stored.controller_id is not None:
        return channel_keys.new_key(vault, stored.account_id, stored.channel_id)
    return channel_keys.revealed(vault, stored, kept).hex(), kept


def _free_code(transaction: Transaction) -> keys.EnrolmentCode:
    for _ in range(_TRIES):
        code = keys.new_code()
        if transaction.one(_FREE, the_lookup=code.lookup) is None:
            return code
    raise Conflict("Too many codes are outstanding: please try again")


def _look_busy(asked: Request) -> None:
    """Take the time that a wrong proof takes."""
    nobody = keys.EnrolmentCode(asked.lookup, "0" * 15)
    keys.is_proof(nobody, asked.public_key, asked.nonce, asked.proof)


def _code_context(lookup: str) -> str:
    return f"enrolment code:{lookup}"
