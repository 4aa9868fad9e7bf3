"""How verdicts and doors are shown, whoever decided."""

import typer

from doorward.cli.output import print_json, show
from doorward.decision.codes import CARD, PIN
from doorward.decision.snapshot import Credential
from doorward.kit.errors import BadRequest


def credentials_given(card: list[str] | None, pin: list[str] | None) -> list[Credential]:
    """What is presented: one credential, or two. Raises BadRequest."""
    credentials = [Credential(CARD, value) for value in card or ()] + [Credential(PIN, value) for value in pin or ()]
    if not 1 <= len(credentials) <= 2:
        raise BadRequest("present one credential or two: --card N, --pin N, or both")
    return credentials


def show_verdict(answer: object, json: bool) -> None:
    """Print a verdict with its reasons."""
    if json or not isinstance(answer, dict):
        print_json(answer)
        return
    who = answer["person_name"] or "Nobody known"
    what = "admitted" if answer["admitted"] else "not admitted"
    typer.echo(f"{who}: {what} (event {answer['event_code']}) at {answer['at']}")
    for reason in answer["reasons"]:
        typer.echo(f"  {reason['text']}")


def show_answer(answer: object, json: bool) -> None:
    """Print what was answered."""
    if isinstance(answer, dict):
        show(answer, json)
