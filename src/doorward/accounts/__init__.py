"""Accounts: the tenant that every row belongs to."""
