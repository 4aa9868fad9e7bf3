"""What people at the doors do in a scenario, and what happens to its technology: a class for each word `do` can be.

`at` is local time of the site, `after` how long after the step that stands before it in the file.
"""

from typing import Literal

import msgspec

from doorward.simulation.checks import Checks


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="do"):
    """Something that happens."""

    at: str | None = None
    after: str | None = None
    expect: Checks | None = None


# At the doors.


class AtDoor(Step, frozen=True, kw_only=True):
    """Somebody does something at a door."""

    door: str


class Present(AtDoor, frozen=True, kw_only=True, tag="present"):
    """Somebody holds a credential to the reader, or types a PIN, or both one after the other.

    Of `who` what `using` names is taken; `card` and `pin` are for what nobody has. `gap` is the time between two.
    """

    who: str | None = None
    using: tuple[Literal["card", "pin", "duress_pin"], ...] = ("card",)
    card: str | None = None
    pin: str | None = None
    gap: str = "2s"


class Keys(AtDoor, frozen=True, kw_only=True, tag="keys"):
    """Somebody presses keys of the keypad: digits, `*` and `#`."""

    keys: str


class Open(AtDoor, frozen=True, kw_only=True, tag="open"):
    """The door is opened; it closes again by itself after `stays`, if that is given."""

    stays: str | None = None


class Close(AtDoor, frozen=True, kw_only=True, tag="close"):
    """The door is closed."""


class PressRex(AtDoor, frozen=True, kw_only=True, tag="rex"):
    """Somebody inside presses the button to leave, and lets it go after `holds`."""

    holds: str | None = None


class LetGo(AtDoor, frozen=True, kw_only=True, tag="let_go"):
    """The button is let go."""


class TamperWith(AtDoor, frozen=True, kw_only=True, tag="tamper"):
    """The housing is opened."""


class TamperNoMore(AtDoor, frozen=True, kw_only=True, tag="untamper"):
    """The housing is closed."""


# What happens to the technology.


class ToServer(Step, frozen=True, kw_only=True):
    """The server's process."""


class StopServer(ToServer, frozen=True, kw_only=True, tag="stop_server"):
    """It is told to end, and does."""


class KillServer(ToServer, frozen=True, kw_only=True, tag="kill_server"):
    """It is gone, from one moment to the next."""


class StartServer(ToServer, frozen=True, kw_only=True, tag="start_server"):
    """It is started again, on the same data."""


class ToController(Step, frozen=True, kw_only=True):
    """A controller."""

    controller: str


class CutLink(ToController, frozen=True, kw_only=True, tag="cut_link"):
    """Nothing gets through between it and the server any more."""


class RestoreLink(ToController, frozen=True, kw_only=True, tag="restore_link"):
    """The network is back."""


class CutPower(ToController, frozen=True, kw_only=True, tag="cut_power"):
    """It is without power from one moment to the next; its locks are locked."""


class RestorePower(ToController, frozen=True, kw_only=True, tag="restore_power"):
    """It starts again, with what it has kept."""


class Drift(ToController, frozen=True, kw_only=True, tag="drift"):
    """Its clock is wrong from now on, by so much: "15s" ahead, "-15s" behind, "0s" right again."""

    by: str


class StickContact(AtDoor, frozen=True, kw_only=True, tag="stick_contact"):
    """The door's contact goes on saying what it says, whatever the door does."""


class FreeContact(AtDoor, frozen=True, kw_only=True, tag="free_contact"):
    """The contact says again what is so."""


class CutContact(AtDoor, frozen=True, kw_only=True, tag="cut_contact"):
    """The line to the door's contact is cut, which its device notices."""


class MendContact(AtDoor, frozen=True, kw_only=True, tag="mend_contact"):
    """The line to the door's contact is whole again."""


class SlowReader(AtDoor, frozen=True, kw_only=True, tag="slow_reader"):
    """The reader takes so long to tell what is held to it; "0s": as ever."""

    by: str
