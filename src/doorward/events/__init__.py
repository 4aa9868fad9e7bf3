"""Events: what happened, append-only; and the outbox that carries it further."""
