"""The audit log: who changed what, through which application, before and after."""
