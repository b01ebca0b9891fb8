"""Losses by what they compare: classes, numbers, or directions and distances."""
