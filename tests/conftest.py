"""What every test may use: a real PostgreSQL and Redis, made for this run."""
