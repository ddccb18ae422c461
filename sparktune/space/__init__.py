"""Search spaces: distributions, expressions over nodes, and the tree that holds them."""
