"""Reservations: who is let in for a stretch of time, as a calendar and as a timeline."""
