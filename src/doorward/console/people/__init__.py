"""People: who may pass, what they carry, which doors that opens, and what they did."""
