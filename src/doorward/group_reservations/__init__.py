"""Group reservations: one person added to groups for a stretch of any length."""
