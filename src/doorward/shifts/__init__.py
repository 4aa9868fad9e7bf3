"""Shifts and holidays: when."""
