"""Doorward: who may open which door, and when."""

__version__ = "0.1.0"
