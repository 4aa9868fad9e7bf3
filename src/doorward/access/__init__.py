"""Access explained: may this person open this door, and who may open what, through which role, when."""
