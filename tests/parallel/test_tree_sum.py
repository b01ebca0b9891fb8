"""A tree sum gives the same bits, whoever holds the shards."""

import numpy as np
import pytest

from adjoint.parallel.communicator import Alone, Key, Message
from adjoint.parallel.tree_sum import TreeSum, shares
from ranks_as_threads import on_ranks

NUMBERS = np.random.default_rng(0).normal(size=(16, 5)) * 10.0 ** np.arange(-8, 8)[:, None]


def total(communicator, shards, dtype=np.float64):
    def fill(shard, message):
        message.numbers[:] = NUMBERS[shard]

    tree = TreeSum(communicator, shards)
    tree(fill, 5, dtype, 0, 0)  # messages are used again
    return tree(fill, 5, dtype, 1, 0).numbers.copy()


def in_pairs(parts):
    """The tree, written as plainly as it can be."""
    while len(parts) > 1:
        pairs = [parts[i : i + 2] for i in range(0, len(parts), 2)]
        parts = [pair[0] + pair[1] if len(pair) == 2 else pair[0] for pair in pairs]
    return parts[0]


@pytest.mark.parametrize("shards", [1, 3, 8, 12])
def test_neighbours_are_added_first_on_any_number_of_ranks(shards):
    expected = in_pairs(list(NUMBERS[:shards]))
    for size in range(1, shards + 1):
        for found in on_ranks(size, lambda communicator: total(communicator, shards)):
            assert found.tobytes() == expected.tobytes(), size


def test_the_order_of_the_sum_matters_here():
    assert in_pairs(list(NUMBERS[:8])).tobytes() != NUMBERS[:8].sum(axis=0).tobytes()


def test_float32_is_added_as_float32():
    found = total(Alone(), 8, np.float32)
    assert found.tobytes() == in_pairs(list(NUMBERS[:8].astype(np.float32))).tobytes()


def test_one_rank_that_wants_to_stop_is_heard_by_all():
    def heard(communicator):
        def fill(shard, message):
            message.numbers[:] = 0
            message.stops = shard == 6

        return TreeSum(communicator, 8)(fill, 1, float, 0, 0).stops

    for size in (1, 2, 3, 4):
        assert on_ranks(size, heard) == [True] * size


def test_no_shard_is_held_twice_or_by_nobody():
    def own(communicator):
        return list(TreeSum(communicator, 11).own)

    assert [shard for held in on_ranks(4, own) for shard in held] == list(range(11))
    assert shares(2, 8) == [0, 1, 2, 2, 2, 2, 2, 2, 2]


def test_a_message_of_another_step_is_refused():
    def with_other_steps(communicator):
        tree = TreeSum(communicator, 2)
        tree(lambda shard, message: None, 1, float, 3 + communicator.rank, 0)

    with pytest.raises(RuntimeError, match="same arguments, in the same order"):
        on_ranks(2, with_other_steps)


def test_a_message_of_an_earlier_attempt_is_refused():
    def after_a_restart(communicator):
        communicator.attempt = communicator.rank
        TreeSum(communicator, 3)(lambda shard, message: None, 1, float, 0, 0)

    with pytest.raises(RuntimeError, match="attempt=1"):
        on_ranks(2, after_a_restart)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
def test_every_rank_has_what_rank_0_broadcasts(size):
    def broadcast(communicator):
        return communicator.broadcast(b"of rank %d" % communicator.rank, -1)

    assert on_ranks(size, broadcast) == [b"of rank 0"] * size


def test_rank_0_gathers_in_the_order_of_the_ranks():
    def gathered(communicator):
        return communicator.gather(b"x" * communicator.rank, -1)

    assert on_ranks(3, gathered)[0] == [b"", b"x", b"xx"]


def test_all_pass_a_barrier():
    assert on_ranks(3, lambda communicator: communicator.barrier(-1)) == [None] * 3


def test_a_message_keeps_its_key_beside_its_numbers():
    message = Message(2, np.float32)
    message.numbers[:] = 1.5
    message.key, message.stops = Key(1, 2, -3, 4), True
    other = message.like()
    other.buffer[:] = message.buffer
    assert (other.key, other.stops, other.numbers.tolist()) == (Key(1, 2, -3, 4), True, [1.5, 1.5])


def test_a_process_alone_has_nobody_to_send_to():
    with pytest.raises(ValueError, match="no rank 1"):
        Alone().send(Message(1, float), 1)
