"""The log of changes that doors have to learn of."""
