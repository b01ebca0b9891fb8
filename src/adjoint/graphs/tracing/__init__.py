"""Tracing a function: the names that it uses, all that it reads, and what it would do only once."""
