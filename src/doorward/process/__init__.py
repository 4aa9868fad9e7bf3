"""The single process: API, doors and housekeeping put together, and the way in for commands of the same machine."""
