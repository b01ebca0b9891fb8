"""Print how well backward passes are reviewed: `python -m tests.review_corpus [-v]`."""

from __future__ import annotations

import argparse

from .corpus import right_layers, wrong_layers
from .measure import measure


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="take every N-th layer only")
    parser.add_argument("-v", action="store_true", help="print every mutant that is named wrongly")
    options = parser.parse_args()
    wrong, dropped = wrong_layers(options.every)
    figures = measure(right_layers()[:: options.every], wrong)
    print(f"dropped as equivalent by finite differences: {dropped}")
    print(figures)
    if options.v:
        print("\n".join(figures.misses))


if __name__ == "__main__":
    main()
