"""Roles: which doors, when; and all of them at once as a matrix."""
