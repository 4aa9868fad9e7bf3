"""The OAuth 2.0 provider: authorize, token, revoke, introspect, and what describes them."""
