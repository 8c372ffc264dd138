"""Resilience: the pure parts with a fake clock, and sharing over a real Redis."""
