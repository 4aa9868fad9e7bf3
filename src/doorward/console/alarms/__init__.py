"""Alarms: what is wrong at doors, and who sees to it."""
