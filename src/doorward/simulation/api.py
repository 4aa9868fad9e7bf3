"""The product's HTTP API as an operator's program uses it: a token, JSON in, JSON out."""

from dataclasses import dataclass
from typing import Any, Final

import httpx

_ANSWERED_WITHIN_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API answered."""

    status: int
    body: Any

    @property
    def is_refusal(self) -> bool:
        """Whether it would not, or could not."""
        return self.status >= 400

    @property
    def text(self) -> str:
        """What a refusal says, on one line."""
        if not isinstance(self.body, dict):
            return str(self.body)
        told = [str(self.body[name]) for name in ("error", "reason", "error_description") if self.body.get(name)]
        return ": ".join(told[-2:])


class Api:
    """One operator's way to the API. Nothing is tried again: the scenario says what is done, and how often."""

    def __init__(self, base_url: str, token: str) -> None:
        self._http = httpx.AsyncClient(
            base_url=f"{base_url}/api/3",
            headers={"Authorization": f"Bearer {token}"},
            timeout=_ANSWERED_WITHIN_S,
            trust_env=False,
        )

    async def ask(self, method: str, path: str, body: object = None) -> Answer:
        """One request. Raises httpx.TransportError if nobody answers."""
        answer = (
            await self._http.request(method, path, json=body)
            if body is not None
            else await self._http.request(method, path)
        )
        try:
            return Answer(answer.status_code, answer.json())
        except ValueError:
            return Answer(answer.status_code, answer.text)

    async def close(self) -> None:
        """Let the connections go."""
        await self._http.aclose()
