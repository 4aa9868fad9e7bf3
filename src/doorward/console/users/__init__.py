"""Users: who operates the account."""
