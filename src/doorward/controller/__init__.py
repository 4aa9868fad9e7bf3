"""The controller: what stands between a driver and the engine at each door."""
