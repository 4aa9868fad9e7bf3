"""From configuration to the snapshots that doors decide from."""
