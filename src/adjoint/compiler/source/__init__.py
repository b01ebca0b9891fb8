"""A graph as the NumPy function that a person would have written."""
