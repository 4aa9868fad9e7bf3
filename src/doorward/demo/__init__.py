"""The example account: a believable co-working house in two cities."""
