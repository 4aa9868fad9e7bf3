"""Lockdown of a site or of everything: what it does, whether the doors have followed, and lifting it."""
