"""Snapshots: a model and its optimiser are what they were, down to the very arrays."""

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn
from adjoint.optim.snapshot import (
    buffers_in,
    full_snapshot,
    kept,
    kept_on_error,
    modes_kept,
    step_snapshot,
)


def trained():
    """Return a model with buffers and gradients, and an optimiser that remembers."""
    model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.BatchNorm(3), nn.Linear(3, 1, rng=1))
    optimizer = ad.optim.Adam(model.parameters(), lr=0.1)
    change(model, optimizer)
    return model, optimizer


def change(model, optimizer):
    """Take a step, and change what a callback could change besides."""
    model.train()
    optimizer.zero_grad()
    model(np.random.default_rng(0).normal(size=(5, 2))).sum().backward()
    optimizer.step()
    optimizer.lr = optimizer.lr / 2
    model.layers[1].note = len(optimizer.memory)
    model.eval()


def state(model, optimizer):
    """Return everything by identity, so that an equal copy is not taken for the same array."""
    tensors = [*model.parameters(), *(buffer for _, buffer in model.named_buffers())]
    return (
        [id(tensor.data) for tensor in tensors],
        [None if p.grad is None else id(p.node.grad) for p in model.parameters()],
        [sorted(vars(module)) for module in model.modules()],
        [module.training for module in model.modules()],
        [dict(group) for group in optimizer.groups],
        [{name: id(array) for name, array in entry.items()} for entry in optimizer.memory],
        optimizer.steps,
    )


@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt])
def test_what_is_kept_is_the_same_however_the_block_ends(error):
    model, optimizer = trained()
    before = state(model, optimizer)
    held = [tensor.data for tensor in model.parameters()]  # keeps the identities from being reused

    def block():
        with kept(model, optimizer):
            change(model, optimizer)
            assert state(model, optimizer) != before
            if error is not None:
                raise error

    if error is None:
        block()
    else:
        with pytest.raises(error):
            block()
    assert state(model, optimizer) == before
    assert len(held) == 6


def test_an_attribute_that_replaced_a_buffer_goes_again():
    model, _ = trained()
    norm = model.layers[1]
    buffer = norm.running_mean
    with kept(model):
        del norm.running_mean
        norm.running_mean = ad.tensor(np.zeros(3))
    assert norm.running_mean is buffer


def test_tensors_by_themselves_are_kept_and_functions_pass():
    scale = ad.tensor(2.0)
    with kept(scale, np.sum):
        scale.data = np.array(3.0)
    assert scale.data == 2.0


def test_kept_on_error_leaves_what_ended_well():
    model, optimizer = trained()
    before = state(model, optimizer)
    with kept_on_error(full_snapshot(model, optimizer)):
        change(model, optimizer)
    after = state(model, optimizer)
    assert after != before
    with pytest.raises(KeyboardInterrupt), kept_on_error(full_snapshot(model, optimizer)):
        change(model, optimizer)
        raise KeyboardInterrupt
    assert state(model, optimizer) == after


def test_a_step_is_undone_with_its_buffers_and_memory():
    model, optimizer = trained()
    before = state(model, optimizer)
    snapshot = step_snapshot(optimizer, buffers_in(model))
    optimizer.zero_grad()
    model.train()(np.ones((5, 2))).sum().backward()
    optimizer.step()
    snapshot.restore()
    after = state(model, optimizer)
    for place in (0, 5, 6):  # arrays, memory and steps; gradients and modes are not a step's
        assert after[place] == before[place]


def test_modes_are_kept_and_numbers_are_not():
    model, optimizer = trained()
    model.layers[1].train()
    before = [p.data for p in model.parameters()]
    with modes_kept(model):
        change(model, optimizer)
    assert [module.training for module in model.modules()] == [False, False, True, False]
    assert all(p.data is not array for p, array in zip(model.parameters(), before, strict=True))
