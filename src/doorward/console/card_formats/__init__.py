"""Card formats: how the bits of a card are read."""
