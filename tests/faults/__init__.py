"""Small programs with one seeded fault each, and right ones: what `why` is measured by.

`python -m tests.faults` prints how often the line and the cause are found.
"""
