"""The search in the bar at the top: people, doors, cards, roles, groups, pages and what can be done there."""
