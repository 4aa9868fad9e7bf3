"""People: those who may open doors."""
