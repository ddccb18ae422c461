"""Where the trials of a search are recorded and evaluated."""
