"""Side-by-side measurements, each against its peers in the same run."""
