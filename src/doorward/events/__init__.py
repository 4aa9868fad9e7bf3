"""Events: what happened, append-only."""
