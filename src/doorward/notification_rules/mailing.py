"""What becomes of messages that are handed to the mail server, as outcomes of deliveries."""

from typing import Final

from doorward.kit.mail_servers import MailServer
from doorward.outbound.fetching import OutboundFailed, OutboundRefused
from doorward.outbound.mail import Mail, hand_over
from doorward.webhooks.sending import Outcome

NO_MAIL_SERVER: Final = "this installation has no mail server: DOORWARD_SMTP_URL is not set"


async def mailed(server: MailServer, mail: Mail, now: int) -> Outcome:
    """Hand a message over; gives what became of it."""
    try:
        handed = await hand_over(server, mail, now)
    except OutboundRefused as error:
        return Outcome(error.reason, is_final=True)
    except OutboundFailed as error:
        return Outcome(error.reason)
    refused = f" (not for {', '.join(handed.refused)})" if handed.refused else ""
    return Outcome(answer=f"{handed.answer}{refused}")
