"""Forms of pages: what may be typed where, and what to change if it cannot be taken."""
