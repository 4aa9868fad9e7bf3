"""Channels: one controlled door each."""
