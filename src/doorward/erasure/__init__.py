"""Erasing a person: what is left of them is a number (docs/decisions/0026; howto/records.md)."""
