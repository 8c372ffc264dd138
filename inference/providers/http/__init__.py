"""A client for providers that costs a call a third of what a general one does (decision 0024)."""
