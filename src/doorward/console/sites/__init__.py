"""Sites: buildings, each with its time zone."""
