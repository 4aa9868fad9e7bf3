"""The request-to-exit button: leaving stays possible; and a button that is held, or stuck, is told of."""

from collections.abc import Callable

from doorward.controller.circumstances import Circumstances
from doorward.controller.facts import Fact, FactSink
from doorward.controller.memory import Cause
from doorward.decision.codes import EventCode
from doorward.decision.engine import decide_exit
from doorward.decision.verdict import Reason, ReasonCode, Verdict


class ExitButton:
    """One button."""

    def __init__(
        self, about: Circumstances, sink: FactSink, release: Callable[[Cause, int], None], *, is_faulty: bool
    ) -> None:
        self.is_faulty = is_faulty
        """Whether its line is cut or shorted, as was heard last."""
        self._about = about
        self._sink = sink
        self._release = release
        self._held_since: int | None = None
        self._is_told = False

    def press(self, at: int) -> Verdict:
        """Somebody inside asks to leave."""
        channel_id = self._about.snapshot.channel.id
        verdict = decide_exit(self._about.snapshot, self._about.state({}), at)
        self._sink(Fact(channel_id, EventCode.REX_PRESSED, at, verdict if not verdict.admitted else None))
        if verdict.admitted:
            self._release("exit", at)
            self._sink(Fact(channel_id, verdict.event_code, at, verdict))
        return verdict

    def hold(self, is_held: bool, at: int) -> None:
        """It is held from now on, or has been let go."""
        self._held_since = at if is_held else None
        self._is_told = False

    def fault(self, is_faulty: bool, at: int) -> None:
        """Its line is cut or shorted, or is whole again.

        It releases nothing: whoever cut it from outside would have a key. That it may not let out is told at once.
        """
        if is_faulty == self.is_faulty:
            return
        self.is_faulty = is_faulty
        if is_faulty:
            self.hold(False, at)
        channel = self._about.snapshot.channel
        code = EventCode.CONTACT_FAULT if is_faulty else EventCode.DOOR_NORMAL
        why = ReasonCode.EXIT_BUTTON_FAULTY if is_faulty else ReasonCode.EXIT_BUTTON_WHOLE
        self._sink(Fact(channel.id, code, at, Verdict(code, False, channel, at, None, (Reason(why),))))

    def tick(self, at: int) -> None:
        """Say, once, that the button is held."""
        due = self.due()
        if due is not None and at >= due:
            self._is_told = True
            self._sink(Fact(self._about.snapshot.channel.id, EventCode.REX_HELD, at))

    def due(self) -> int | None:
        """When tick() has something to do."""
        held_ms = self._about.setting.rex_held_ms
        if self._held_since is None or self._is_told or held_ms <= 0:
            return None
        return self._held_since + held_ms
