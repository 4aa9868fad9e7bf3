"""Where things are told to, how that works, and the log of what was told."""
