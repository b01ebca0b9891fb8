"""Print how often `why` finds the line and the cause, and what it misses."""

# These register their faults.
from . import absent, left, nonfinite, right, scale, second, third, zero  # noqa: F401
from .corpus import FAULTS, RIGHT, measure  # noqa: F401 - for the tests


def main():
    outcomes = measure()
    for outcome in outcomes:
        if not (outcome.right_line and outcome.right_cause):
            fault = outcome.fault
            print(f"--- {fault.name}: expected {fault.cause} at {fault.line}\n{outcome.diagnosis}")
    lines = sum(outcome.right_line for outcome in outcomes)
    causes = sum(outcome.right_cause for outcome in outcomes)
    alarms = sum(program().cause != "fine" for program in RIGHT)
    count = len(outcomes)
    print(f"right line:   {lines} of {count} ({lines / count:.1%})")
    print(f"right cause:  {causes} of {count} ({causes / count:.1%})")
    print(f"false alarms: {alarms} of {len(RIGHT)} right programs")


if __name__ == "__main__":
    main()
