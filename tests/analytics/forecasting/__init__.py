"""Forecasts, bands, projections and what a back-test says of them."""
