"""What several pages offer to choose from: doors by their sites, people by a part of their name."""
