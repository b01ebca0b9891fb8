"""Loops and branches that are one operation of a graph: their bodies are graphs of their own."""
