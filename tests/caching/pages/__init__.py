"""The cache's pages."""
