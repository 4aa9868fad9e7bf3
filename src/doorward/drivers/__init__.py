"""Hardware at the doors, behind one interface."""
