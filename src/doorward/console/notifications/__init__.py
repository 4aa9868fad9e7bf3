"""Notifications: what notification rules show to the operators."""
