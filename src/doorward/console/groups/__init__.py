"""Groups: people who hold the same roles."""
