"""A diagnosis says why a gradient is what it is, at the line of the user's that made it so."""
