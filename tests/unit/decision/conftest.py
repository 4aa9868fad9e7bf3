"""One hypothesis profile for the properties of the decision engine: the same examples in every run."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "decision",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=300,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
