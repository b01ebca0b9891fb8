"""Processes that train together: who they are, how they send arrays, and how a job of them runs."""
