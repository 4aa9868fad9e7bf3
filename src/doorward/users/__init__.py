"""Users: the operators of an account, never the same thing as people."""
