"""Proof of what the gateway saves: workloads, recorded answers, past rows and foreign logs, made into reports."""
