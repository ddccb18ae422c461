"""What surrounds a search on Spark: a standalone cluster on this machine, and checks of a setup."""
