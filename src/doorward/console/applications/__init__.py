"""Applications: the integrations of an account, what they are used for, and their end."""
