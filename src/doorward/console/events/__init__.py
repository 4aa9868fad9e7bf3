"""Events: what happened at the doors, as it happens and as it is on record."""
