"""Shifts: when roles grant and doors stand open, painted on a week."""
