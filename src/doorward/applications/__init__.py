"""Applications: the OAuth clients of an account, what they use, and how they are stopped."""
