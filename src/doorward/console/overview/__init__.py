"""The overview: what is so at this moment, and what wants somebody to look at it."""
