"""How much of NumPy differentiates: counted by calling it, not by looking at a list."""

from .count import Count, Entry, count, failure, public_functions
from .examples import EXAMPLES, FAMILIES
from .excluded import EXCLUDED, REASONS
from .report import as_markdown, as_text, minor_version

__all__ = [
    "EXAMPLES",
    "EXCLUDED",
    "FAMILIES",
    "REASONS",
    "Count",
    "Entry",
    "as_markdown",
    "as_text",
    "count",
    "failure",
    "minor_version",
    "public_functions",
]
