"""Small things that every room may use and that use nothing of ours."""
