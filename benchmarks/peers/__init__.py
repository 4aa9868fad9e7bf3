"""Servers that Doorward is measured against: the same two endpoints, built in other ways."""
