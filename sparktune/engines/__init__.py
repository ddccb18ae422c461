"""How candidates are evaluated: one small protocol, and the engines that speak it."""
