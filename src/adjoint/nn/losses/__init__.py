"""Losses by what they compare: numbers, yes or no, classes, or vectors."""
