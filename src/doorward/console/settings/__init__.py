"""Settings of the account: its name and zone, how long events are kept, mail, the proof of the record."""
