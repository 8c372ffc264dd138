"""Anomalies found and changes taken apart."""
