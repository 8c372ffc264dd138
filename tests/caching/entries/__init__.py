"""What people do with kept entries."""
