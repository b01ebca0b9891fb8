"""Free times say, at a moment that moves on, from when on each piece of memory is taken."""

from __future__ import annotations

import math
from heapq import heappop, heappush


class FreeTimes:
    """Numbers 0, 1, ... with the moments at which each is taken; it finds the first that is free.

    A tree stands over the numbers: what takes a range of them is written at the few nodes that
    cover it, and each node knows the latest moment up to which one of its numbers is free. So all
    methods take time that grows with the logarithm of the count. Only nodes that are not
    free for ever are held.

    Parameters
    ----------
    count : int
        How many numbers there are.
    """

    def __init__(self, count: int) -> None:
        self._leaves = 1 << max(count - 1, 0).bit_length()
        self._now = 0
        # The spans in which all below a node is taken, the earliest first, by the node's number.
        self._taken: dict[int, list[tuple[int, int]]] = {}
        # The moment from which on no number below a node is free; other nodes stay free for ever.
        self._free_until: dict[int, float] = {}
        self._ends: list[tuple[int, int, int]] = []

    def take(self, start: int, stop: int, first: int, last: int) -> None:
        """Let the numbers from `start` up to `stop` be taken from one moment to another."""
        if last < self._now:
            return
        nodes = self._cover(start, stop)
        for node in nodes:
            heappush(self._taken.setdefault(node, []), (first, last))
        heappush(self._ends, (last, start, stop))
        self._renew(nodes)

    def move_to(self, moment: int) -> None:
        """Forget what ended before a moment; moments do not go back."""
        self._now = moment
        while self._ends and self._ends[0][0] < moment:
            _, start, stop = heappop(self._ends)
            self._renew(self._cover(start, stop))

    def first_free(self, last: int) -> int:
        """Return the first number that is free from now to the end of `last`."""
        node = 1
        while node < self._leaves:
            node *= 2
            if self._free_until.get(node, math.inf) <= last:
                node += 1
        return node - self._leaves

    def _cover(self, start: int, stop: int) -> list[int]:
        """Return the fewest nodes that have these numbers below them, and no others."""
        nodes = []
        low, high = start + self._leaves, stop + self._leaves
        while low < high:
            if low & 1:
                nodes.append(low)
                low += 1
            if high & 1:
                high -= 1
                nodes.append(high)
            low, high = low // 2, high // 2
        return nodes

    def _renew(self, nodes: list[int]) -> None:
        """Find anew until when nodes are free, and then those above them where that changes."""
        for node in nodes:
            while node and self._has_changed(node):
                node //= 2

    def _has_changed(self, node: int) -> bool:
        free_until, taken = self._free_until, self._taken.get(node)
        until = math.inf
        if node < self._leaves:
            left, right = free_until.get(2 * node, until), free_until.get(2 * node + 1, until)
            until = max(left, right)
        while taken and taken[0][1] < self._now:
            heappop(taken)
        if taken:
            until = min(until, taken[0][0])
        before = free_until.get(node, math.inf)
        if until == math.inf:
            free_until.pop(node, None)
        else:
            free_until[node] = until
        return until != before
