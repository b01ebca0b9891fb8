"""A graph made smaller, and what is certain, likely or doubtful about its numbers."""
