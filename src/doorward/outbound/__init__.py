"""Requests to addresses that somebody else chose, guarded against reaching what they must not."""
