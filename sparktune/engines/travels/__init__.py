"""What runs where a trial runs: the standard library is all that it imports."""
