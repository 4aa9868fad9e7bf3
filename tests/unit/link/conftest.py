"""One hypothesis profile for the properties of the link: the same examples in every run."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "link",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
