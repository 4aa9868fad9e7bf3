"""Relieving a user of a second factor that they have lost, by somebody who may give them a new password, too."""

from doorward.db.unit_of_work import Transaction
from doorward.oauth.principal import Principal
from doorward.signing_in.second_factor import turn_off
from doorward.users.service import user_to_help


def reset_second_factor(transaction: Transaction, account_id: int, user_id: int, now: int, by: Principal) -> bool:
    """Turn off somebody's second factor with its recovery codes; False if there was none.

    Raises NotFound or Forbidden.
    """
    user_to_help(transaction, account_id, user_id, by)
    return turn_off(transaction, user_id, now)
