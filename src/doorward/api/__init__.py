"""The HTTP API: the slices' routes joined, who may call them, and what errors look like."""
