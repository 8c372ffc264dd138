"""What every test may use: a real PostgreSQL and Redis, made for this run."""

from hypothesis import HealthCheck, settings

# how quick a machine is at the moment says nothing about what is tested
settings.register_profile("acron", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("acron")
