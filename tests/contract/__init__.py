"""The published contract as facts, and the checks that a running server keeps them."""
