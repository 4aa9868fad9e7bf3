"""Groups: people who share roles."""
