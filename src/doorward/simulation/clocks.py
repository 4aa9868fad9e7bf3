"""The site's time, which jumps; and the clocks of controllers, which may be wrong."""


class SiteClock:
    """What time it is at the site: it stands until it is moved. Read from several threads."""

    def __init__(self, at: int) -> None:
        self._at = at

    def now(self) -> int:
        """Milliseconds since 1970-01-01T00:00Z."""
        return self._at

    def jump(self, at: int) -> None:
        """Let it be `at`, if that is still to come: time does not go back."""
        self._at = max(self._at, at)


class WrongClock:
    """A controller's own clock: the site's time, and so much more or less."""

    def __init__(self, site: SiteClock) -> None:
        self._site = site
        self.ahead_ms = 0

    def now(self) -> int:
        """Milliseconds since 1970-01-01T00:00Z, as the controller has it."""
        return self._site.now() + self.ahead_ms

    def steady(self) -> int:
        """Milliseconds by which stretches of time are counted: the site's, whatever the controller takes it for."""
        return self._site.now()
