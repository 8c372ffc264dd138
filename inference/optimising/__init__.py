"""Takes out of a request what costs and does not help."""
