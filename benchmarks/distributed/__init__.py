"""Distributed training: the same bits on any number of ranks, after lost ranks, and how fast."""
