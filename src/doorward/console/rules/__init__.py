"""Notification rules: what is told to whom, when it happens."""
