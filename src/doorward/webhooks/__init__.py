"""Deliveries: what is told to endpoints (applications' webhooks, the actions of rules), kept until it has arrived."""
