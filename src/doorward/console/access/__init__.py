"""Access explained: may this person open this door, who could at an instant, and why."""
