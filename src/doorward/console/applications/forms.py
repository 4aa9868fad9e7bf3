"""The form of an application: one choice of three kinds, which the API has as two flags."""

from collections.abc import Mapping
from typing import Any, Final

from doorward.applications.service import COMMAND_LINE, PERSONAL, PUBLIC, Application
from doorward.console.forms import Sent
from doorward.oauth.principal import Principal

SERVER = "server"
SERVICE = "service"
_KINDS: Final = (
    (SERVER, "A server", "People sign in and let it in. It keeps a secret, with which it proves that it is itself."),
    (
        PUBLIC,
        "An app or a web page",
        "People sign in and let it in. It runs where no secret can be kept, and has none.",
    ),
    (SERVICE, "A service", "It acts by itself, in your name, with all that you may do. It keeps a secret."),
)
KIND_WORDS: Final = {
    SERVER: "Server",
    PUBLIC: "App or web page",
    SERVICE: "Service",
    COMMAND_LINE: "Built in",
    PERSONAL: "Built in",
}


def kinds_for(principal: Principal) -> list[tuple[str, str, str]]:
    """The kinds that a user may make: only an owner makes services."""
    return [kind for kind in _KINDS if kind[0] != SERVICE or principal.user_role == "owner"]


def kind_of(found: Application) -> str:
    """Of which kind an application is, built-in ones too."""
    if found.is_service:
        return SERVICE
    return found.kind if found.kind in KIND_WORDS else SERVER


def is_built_in(found: Application) -> bool:
    """Whether nobody has made it, and nobody can change it."""
    return found.kind in (COMMAND_LINE, PERSONAL)


def body_of_new(form: Sent) -> dict[str, object]:
    """The body that makes an application."""
    kind = form.text("kind")
    return {**body_of_change(form), "public": kind == PUBLIC, "service": kind == SERVICE}


def body_of_change(form: Sent) -> dict[str, object]:
    """The body that changes one: what is always in the form."""
    body = form.body(texts=("name", "webhook_url"))
    return {**body, "redirect_uris": form.text("redirect_uris").split()}


def values_of(found: Application) -> Mapping[str, Any]:
    """What the form of an application holds."""
    return {
        "name": found.name,
        "redirect_uris": "\n".join(found.redirect_uris),
        "webhook_url": found.webhook_url,
        "kind": kind_of(found),
    }
