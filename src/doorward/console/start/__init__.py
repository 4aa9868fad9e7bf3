"""The first steps: from an empty account to a door that lets somebody in."""
