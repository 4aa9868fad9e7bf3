"""Sites: physical places with their own time zone."""
