"""An epoch's record is the numbers that Python and the native loop over epochs leave each other."""

from __future__ import annotations

from enum import IntEnum

# The positions in the array of integers ("record"), and in the array of floats ("numbers").
EPOCH, STEP, STATUS, TURN, STEPS_LEFT, ROW, STRIDE, WORDS, WORSE, MOST_WORSE = range(10)
WATCHED, IS_PLATEAU, KEPT, TAIL, AHEAD, INTEGERS = range(10, 16)
SUM, BEST, TOLERANCE, SUM_BEFORE, SIGN, SUMS = range(6)
STATES = 3
# The memory of the order that is drawn ahead: how many fours of rows are not drawn yet, of which
# seed, epoch and number of rows it is, and then the numbers of the rows, of 32 bits each.
AHEAD_LEFT, AHEAD_OF_KEY, AHEAD_OF_EPOCH, AHEAD_OF_ROWS = range(4)
AHEAD_NUMBERS = 8


def ahead_words(rows: int) -> int:
    """Return how many words of 64 bits the order of so many rows takes while it is drawn ahead."""
    return AHEAD_NUMBERS + 4 * -(-rows // 8)


class Order(IntEnum):
    """Where the order of an epoch comes from."""

    KEPT = 0
    SHUFFLED = 1
    RESHUFFLED = 2


class Status(IntEnum):
    """Why the loop gave control back."""

    PAUSED = 0
    LOSS_NOT_FINITE = 1
    STATE_HAS_NAN = 2
    PARAMETERS_NOT_FINITE = 3
    STALLED = 4
    VALIDATION_IN_DOUBT = 5
