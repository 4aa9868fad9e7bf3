"""Reports: what the record of events says of people, doors and credentials in sum."""
