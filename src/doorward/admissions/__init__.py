"""Admissions: a door released for once from afar, and what became of it."""
