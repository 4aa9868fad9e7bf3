"""Signing in to the web pages: sessions, throttling, the second factor."""
