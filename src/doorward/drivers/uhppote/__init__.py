"""UHPPOTE boards: access controllers for one, two or four doors that decide by themselves, spoken to over UDP."""

from doorward.drivers.uhppote.config import UhppoteConfig, UhppoteConfigError, uhppote_config
from doorward.drivers.uhppote.driver import UhppoteDriver

__all__ = ["UhppoteConfig", "UhppoteConfigError", "UhppoteDriver", "uhppote_config"]
