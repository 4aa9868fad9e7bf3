"""A mail that says only that mail arrives."""

import secrets

from doorward.kit.email_addresses import clean_mailbox
from doorward.kit.mail_servers import MailServer
from doorward.kit.text import InvalidText
from doorward.notification_rules.mailing import NO_MAIL_SERVER, mailed
from doorward.outbound.mail import Mail
from doorward.webhooks.sending import Outcome

_TEXT = "This is a test: mail from Doorward arrives. Somebody has asked for it in the console."


async def send_test(server: MailServer | None, address: str, account_name: str, now: int) -> Outcome:
    """Hand a mail to the mail server, and say what came of it."""
    if server is None:
        return Outcome(NO_MAIL_SERVER)
    try:
        to = clean_mailbox(address)
    except InvalidText as error:
        return Outcome(f"your address {error}")
    page = f'<!DOCTYPE html><html lang="en"><body><p>{_TEXT}</p></body></html>'
    return await mailed(
        server, Mail((to,), f"[{account_name}] A test", f"{_TEXT}\n", page, f"test {secrets.token_hex(8)}"), now
    )
