"""What each scope lets an application do, in words for whoever is asked to consent."""

from collections.abc import Mapping
from typing import Final

SCOPE_WORDS: Final[Mapping[str, str]] = {
    "account.person.readonly": "See people, with their groups and their credentials: card numbers and PINs",
    "account.person": "Add, change and remove people, and give them cards, PINs and other credentials",
    "account.credential_type.readonly": "See which types of credentials there are",
    "account.credential_type": "Add, change and remove types of credentials",
    "account.channel.readonly": "See doors and the state they are in",
    "account.channel.admit": "Open, unlock and lock down doors from afar, and change their encryption keys",
    "account.channel.admit.person": "Open a door for a person who has access to it",
    "account.channel": "Add, change and remove doors",
    "account.event.access.readonly": "See who went through which door when",
    "account.event.readonly": "See who went through which door when",  # the scope's old name
    "account.group.readonly": "See groups of people",
    "account.group": "Add, change and remove groups of people",
    "account.role.readonly": "See roles: which doors they open",
    "account.role": "Add, change and remove roles: which doors they open, and for whom",
    "account.shift.readonly": "See shifts and holidays",
    "account.shift": "Add, change and remove shifts and holidays",
    "account.site.readonly": "See sites and areas",
    "account.site": "Add, change and remove sites and areas",
    "account.reservation.readonly": "See reservations",
    "account.reservation": "Make and remove reservations, which open doors for a person for a time",
    "account.group_reservation.readonly": "See reservations of groups",
    "account.group_reservation": "Put people in groups for a time, and take them out again",
    "account.notification_rule.readonly": "See the rules for notifications",
    "account.notification_rule": "Add, change and remove rules for notifications",
    "account.alarm": "Acknowledge, close, note and assign alarms",
    "account.sync": "Send pending changes to the doors",
    "account.reports.readonly": "See reports",
    "account.audit.readonly": "See the log of who changed what",
    "account.settings": "Change the settings of the account",
    "account.person.erasure": "Erase people for ever, also from the record of events",
    "account.user.readonly": "See the users who operate this account",
    "account.user": "Add, change and disable the users who operate this account",
    "account.application.readonly": "See the applications of this account and how they are used",
    "account.application": "Add, change and remove applications of this account",
}
"""A sentence for each scope, the old names too."""
