"""Controllers: which are there, which doors they serve, codes to enrol with."""
