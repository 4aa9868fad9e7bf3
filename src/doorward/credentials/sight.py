"""Who may read PINs: whoever could change them. To others a PIN shows only that there is one."""

from collections.abc import Collection, Container
from typing import Final

from doorward.credentials.enrolled import Sight
from doorward.db.unit_of_work import Transaction
from doorward.oauth.principal import Principal
from doorward.oauth.scopes import PERMISSIONS
from doorward.roles.reach import people_beyond

_NEEDED: Final = "account.person"


def sight_of(transaction: Transaction, principal: Principal, now: int) -> Sight:
    """Whose PINs the bearer of a token may read; each asking takes two statements at the most.

    The application needs the scope to change people, its user the permission, and who is limited to sites sees no PIN
    of somebody who opens doors at others.
    """
    permitted = _NEEDED in principal.scopes and _NEEDED in PERMISSIONS.get(principal.user_role, frozenset())

    def in_sight(person_ids: Collection[int]) -> Container[int]:
        if not permitted:
            return ()
        return frozenset(person_ids) - people_beyond(transaction, principal, person_ids, now)

    return in_sight
