"""Small faults, planted one at a time: does a test notice? `python -m tests.mutants --help`."""
