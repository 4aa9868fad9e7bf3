"""Reservations: one person, some channels, one stretch within one local day."""
