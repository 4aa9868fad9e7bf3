"""Personal access tokens: for one's own programs."""
