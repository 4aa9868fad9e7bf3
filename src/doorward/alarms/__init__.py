"""Alarms: what is wrong at a door, until somebody has seen to it."""
