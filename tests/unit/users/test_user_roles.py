"""users/service.py: the roles of users are those that permissions are written for."""

from doorward.oauth import scopes
from doorward.users.service import USER_ROLES


def test_every_role_has_permissions_and_every_permission_a_role() -> None:
    assert set(USER_ROLES) == set(scopes.USER_ROLES)
