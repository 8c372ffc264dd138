"""Proof of what the gateway saves: workloads, recorded answers, past rows and other people's logs, made into reports."""
