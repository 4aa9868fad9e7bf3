"""Credentials: what people present, and the types of them."""
