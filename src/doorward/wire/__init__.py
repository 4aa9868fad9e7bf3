"""What the slices' routes share at the HTTP edge: strict bodies and queries in, JSON and paging headers out."""
