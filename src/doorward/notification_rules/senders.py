"""How rules tell what has happened: senders for each kind of action (webhooks.sending.Sender)."""

from collections.abc import Sequence
from typing import Final

import msgspec

from doorward.db.unit_of_work import Database
from doorward.events.wire import EventBody, event_body
from doorward.kit.mail_servers import MailServer
from doorward.kit.timestamps import format_instant
from doorward.notification_rules.digest import NOTHING_LEFT, Digest, digest_of
from doorward.notification_rules.rule import EMAIL, Action, addresses_of
from doorward.notification_rules.wording import chat_message, message
from doorward.notifications.service import show_events
from doorward.outbound.fetching import OutboundFailed, OutboundRefused
from doorward.outbound.mail import Mail, hand_over
from doorward.webhooks.posting import Poster
from doorward.webhooks.sending import Delivery, Endpoint, Outcome

POST: Final = "post"
MAIL: Final = "email"
CHAT: Final = "slack"
CONSOLE: Final = "console"

NO_MAIL_SERVER: Final = "this installation has no mail server: DOORWARD_SMTP_URL is not set"
