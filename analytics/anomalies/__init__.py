"""What in a series is out of the ordinary, and what a change is made of."""
