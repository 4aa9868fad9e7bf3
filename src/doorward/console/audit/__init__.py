"""The audit log: who changed what, with what it was before and what it is since."""
