"""What is done with accounts: one module per kind of thing, one function per business act."""
