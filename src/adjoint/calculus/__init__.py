"""Functions in, derivatives out; and the checks that derivatives are right."""
