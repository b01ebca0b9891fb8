"""Random programs: plain NumPy, run as it stands and in every tier, at ordinary and special values.

`python -m tests.random_programs` prints how many ran, and what became of them.
"""
