"""The page at "/": says what is running here."""

from litestar import get
from litestar.response.base import ASGIResponse

_PAGE = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Doorward</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem; }
  code { background: #8882; padding: .1em .3em; border-radius: .3em; }
  @media (prefers-color-scheme: dark) { body { background: #16181d; color: #e6e6e6; } }
</style>
<h1>Doorward is running</h1>
<p>This is the HTTP API of an access control system. It lives under <code>/api/3</code> and wants a bearer token:</p>
<p><code>curl -H "Authorization: Bearer TOKEN" .../api/3/roles</code></p>
<p>A token is made with <code>doorward token create --user EMAIL --scope "..."</code>;
<code>doorward demo</code> prints one.</p>
</html>
"""


@get("/", name="welcome", public=True, hidden=True, sync_to_thread=False)
def welcome() -> ASGIResponse:
    """Tell a browser what is here."""
    headers = [
        ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
    ]
    return ASGIResponse(body=_PAGE, media_type="text/html", headers=headers)
