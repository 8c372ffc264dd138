"""What comes next in a series of costs or counts, and how far such a word was right before."""
