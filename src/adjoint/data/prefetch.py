"""Prefetching takes the next item of an iterator in a thread, while the one before is in use."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any, TypeVar

Item = TypeVar("Item")
_END: Any = object()


def prefetched(items: Iterator[Item]) -> Generator[Item]:
    """Yield the items, each taken by one thread while the one before it is in use.

    An error of the iterator is raised where its item would come. The thread ends with this
    generator: close it where the loop over it may end early.

    Examples
    --------
    >>> list(prefetched(iter("abc")))
    ['a', 'b', 'c']
    """
    from concurrent.futures import ThreadPoolExecutor  # here: few programs need it

    # Leaving the block waits for the thread.
    with ThreadPoolExecutor(1, thread_name_prefix="adjoint-prefetch") as thread:
        following = thread.submit(next, items, _END)
        while (item := following.result()) is not _END:
            following = thread.submit(next, items, _END)
            yield item
