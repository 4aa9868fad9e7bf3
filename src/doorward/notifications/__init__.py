"""Notifications: what rules show to the operators of an account."""
