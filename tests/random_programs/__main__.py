"""Run random programs in every tier, and print what became of them."""

import argparse

from .campaign import run


def main() -> int:
    """Print the report, and the source of each program that some tier gets wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.random_programs", description=__doc__)
    parser.add_argument("--programs", type=int, default=200, help="how many, half of them special")
    parser.add_argument("--first", type=int, default=0, help="the seed of the first")
    options = parser.parse_args()
    report = run(range(options.first, options.first + options.programs))
    print(report)
    return 1 if report.failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
