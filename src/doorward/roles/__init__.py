"""Roles: which channels, and in which shift."""
