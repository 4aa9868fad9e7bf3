"""Doors: how each stands, what it can be told, who has access, its events, its hardware and its settings."""
