"""What keeps a sick provider from becoming our callers' trouble: retries, breakers and the choice of a deployment."""
