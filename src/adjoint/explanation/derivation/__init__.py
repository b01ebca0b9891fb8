"""A derivation is a forward and a backward pass with its formulas, rules and numbers."""
