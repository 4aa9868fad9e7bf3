"""A day at a site, played with the real product around it: scenarios are data, what they expect is checked."""
