"""Which applications may be told of what, as conditions in SQL (behaviour.md, "Notification rules, webhooks").

One that holds something live with a scope that it could read the thing with: a token, a consent whose refresh token
holds (an access token lasts an hour, and who waits for webhooks asks for none meanwhile), or the standing of a service.
In whose name it does counts, too: what a user who is limited to sites does not see, their application is not told.
"""

from typing import Any, Final

from sqlalchemy import ColumnElement, and_, bindparam, exists, literal, or_, select

from doorward.channels.tables import channels
from doorward.events.tables import events
from doorward.oauth.tables import applications, refresh_tokens, token_families, tokens
from doorward.users.tables import user_sites, users

EVENTS: Final = ("account.event.access.readonly",)
CREDENTIALS: Final = ("account.person", "account.person.readonly")


def _among(scopes: ColumnElement[str], wanted: tuple[str, ...]) -> ColumnElement[bool]:
    """Whether one of the wanted scopes is in a text of scopes, separated by spaces."""
    return or_(*((literal(" ") + scopes + literal(" ")).like(f"% {scope} %") for scope in wanted))


def _holds(wanted: tuple[str, ...], *limits: Any) -> ColumnElement[bool]:
    """Whether the application of the row holds something with one of the scopes; `limits`: on its user."""
    now = bindparam("now", type_=tokens.c.expires_at.type)
    token = exists(
        select(1)
        .select_from(tokens.join(users, users.c.id == tokens.c.user_id))
        .where(
            tokens.c.application_id == applications.c.id,
            tokens.c.revoked_at.is_(None),
            tokens.c.expires_at > now,
            _among(tokens.c.scopes, wanted),
            users.c.disabled_at.is_(None),
            *limits,
        )
        .correlate(applications, events)
    )
    consent = exists(
        select(1)
        .select_from(
            token_families.join(users, users.c.id == token_families.c.user_id).join(
                refresh_tokens, refresh_tokens.c.family_id == token_families.c.id
            )
        )
        .where(
            token_families.c.application_id == applications.c.id,
            token_families.c.revoked_at.is_(None),
            _among(token_families.c.scopes, wanted),
            refresh_tokens.c.used_at.is_(None),
            refresh_tokens.c.expires_at > now,
            users.c.disabled_at.is_(None),
            *limits,
        )
        .correlate(applications, events)
    )
    service = exists(
        select(1)
        .select_from(users)
        .where(
            applications.c.is_service == 1,
            applications.c.secret_hash.is_not(None),
            users.c.id == applications.c.service_user_id,
            or_(applications.c.service_scopes.is_(None), _among(applications.c.service_scopes, wanted)),
            users.c.disabled_at.is_(None),
            *limits,
        )
        .correlate(applications, events)
    )
    return and_(applications.c.removed_at.is_(None), or_(token, consent, service))


MAY_READ_EVENT: Final = _holds(
    EVENTS,
    or_(
        users.c.site_limited == 0,
        exists(
            select(1)
            .select_from(channels.join(user_sites, user_sites.c.site_id == channels.c.site_id))
            .where(channels.c.id == events.c.channel_id, user_sites.c.user_id == users.c.id)
            .correlate(events, users)
        ),
    ),
)
"""Whether the row's application may be told of the row's event, at the parameter `now`."""

MAY_READ_CREDENTIALS: Final = _holds(CREDENTIALS)
"""Whether the row's application may be told of credentials, at the parameter `now`."""
