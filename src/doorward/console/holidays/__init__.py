"""Holidays: days on which shifts may have other windows."""
