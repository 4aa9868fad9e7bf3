"""Applications, tokens and scopes: who may use the API and for what."""
