"""``python -m adjoint.coverage`` counts; ``--markdown`` prints docs/reference/coverage.md."""

from __future__ import annotations

import sys

from . import EXAMPLES, EXCLUDED, as_markdown, as_text, count, public_functions


def main() -> int:
    """Print the count; return 0 if it is as promised and no function is unknown."""
    found = count(public_functions(), EXCLUDED, EXAMPLES)
    sys.stdout.write(as_markdown(found) if "--markdown" in sys.argv[1:] else as_text(found) + "\n")
    return 0 if found.enough else 1


if __name__ == "__main__":
    sys.exit(main())
