"""Requests to addresses that somebody else has chosen: guarded, so that they reach nothing but the public internet."""
