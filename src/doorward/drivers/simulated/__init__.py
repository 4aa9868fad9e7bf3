"""Doors made of numbers: a reader, a lock relay, a door contact and a request-to-exit button each."""
