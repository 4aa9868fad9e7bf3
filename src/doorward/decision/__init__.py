"""The decision engine: pure, total, and the same code on the server and at the door."""
