"""An epoch's record is the numbers that Python and the native loop over epochs leave each other."""

from __future__ import annotations

from enum import IntEnum

# The positions in the array of integers ("record"), and in the array of floats ("numbers").
EPOCH, STEP, STATUS, TURN, STEPS_LEFT, ROW, STRIDE, WORDS, WORSE, MOST_WORSE = range(10)
WATCHED, IS_PLATEAU, KEPT, TAIL, INTEGERS = range(10, 15)
SUM, BEST, TOLERANCE, SUM_BEFORE, SIGN, SUMS = range(6)
STATES = 3


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
