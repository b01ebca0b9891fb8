"""A frame is what one call of native code keeps on the stack while it lasts."""

from __future__ import annotations

from .call_table import RECORD, WORDS
from .words import Words

TABLE, RECORD_WORDS = Words(WORDS), Words(RECORD)
# The table; how far the plan that is being followed was read, and the leaf that comes next; then
# arrays with a word for each leaf. These are where its entries are; a number, of Python's integers
# and flags and of results without axes; a new array, until it stands in the tree of results; what
# is held of lists and dicts; and where a result is to be copied to.
FRAME = Words(("table", "plan", "leaf", "entries", "numbers", "made", "held", "targets"))
