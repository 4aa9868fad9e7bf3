"""Credential types: what an account gives out."""
