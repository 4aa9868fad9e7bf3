"""Notification rules: which events are told to whom."""
