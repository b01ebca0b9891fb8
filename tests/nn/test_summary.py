"""A summary says what each module puts out and holds, and leaves the model as it was."""

from __future__ import annotations

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn


def network():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, rng=0), nn.BatchNorm(4), nn.ReLU(), nn.Flatten(),
        nn.Linear(4 * 6 * 6, 3, rng=0), nn.Dropout(0.5, rng=0),
    )  # fmt: skip


IMAGES = np.random.default_rng(0).normal(size=(5, 1, 8, 8))


def test_it_says_what_every_module_puts_out():
    summary = network().summary(IMAGES)
    assert [row.output for row in summary.root.within] == [
        "(5, 4, 6, 6)", "(5, 4, 6, 6)", "(5, 4, 6, 6)", "(5, 144)", "(5, 3)", "(5, 3)",
    ]  # fmt: skip
    assert summary.root.output == "(5, 3)"


def test_without_an_input_no_shape_is_known():
    assert {row.output for row in network().summary().root.within} == {""}


def test_it_counts_parameters_and_bytes_as_the_state_has_them():
    model = network()
    summary = model.summary()
    assert summary.parameters == sum(p.size for p in model.parameters())
    assert summary.bytes == sum(array.nbytes for array in model.state_dict().values())
    assert sum(row.parameters for row in summary.root.within) == summary.parameters
    assert sum(row.bytes for row in summary.root.within) == summary.bytes


def test_what_is_frozen_is_not_trainable():
    model = network()
    model[4].requires_grad_(False)
    summary = model.summary()
    assert summary.parameters - summary.trainable == 144 * 3 + 3


def test_what_is_shared_counts_once():
    layer = nn.Linear(2, 2, rng=0)
    summary = nn.Sequential(layer, nn.ReLU(), layer).summary(np.zeros((1, 2)))
    assert summary.parameters == 6
    assert [row.parameters for row in summary.root.within] == [6, 0]


def test_shared_weights_count_where_they_come_first():
    first, second = nn.Linear(2, 2, rng=0), nn.Linear(2, 2, rng=1)
    second.weight = first.weight
    summary = nn.Sequential(first, second).summary()
    assert [row.parameters for row in summary.root.within] == [6, 2]


def test_the_model_is_afterwards_as_it_was():
    model = network()
    model.layers[1].training = False
    before, modes = model.state_dict(), [module.training for module in model.modules()]
    attributes = [dict(vars(module)) for module in model.modules()]
    model.summary(IMAGES)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    assert [module.training for module in model.modules()] == modes
    # Every module has a mode of its own now; else nothing was added or taken away.
    now = [vars(module).keys() - {"training"} for module in model.modules()]
    assert now == [each.keys() - {"training"} for each in attributes]


def test_buffers_that_the_model_changes_are_put_back():
    class Counter(nn.Module):
        def __init__(self):
            self.calls = nn.Buffer(0.0)

        def forward(self, x):
            self.calls = self.calls + 1
            return x

    counter = Counter()
    counter.summary(1.0)
    assert counter.calls.item() == 0


def test_the_model_is_as_it_was_after_an_error_too():
    model = network()
    with pytest.raises(ad.ShapeError):
        model.summary(np.zeros((5, 2, 8, 8)))
    assert all(module.training for module in model.modules())
    assert not any("forward" in vars(module) for module in model.modules())


def test_a_forward_of_the_objects_own_is_kept():
    model = nn.ReLU()
    model.forward = own = lambda x: np.concatenate([x, x])
    assert model.summary(np.zeros(3)).root.output == "(6,)"
    assert model.forward is own


def test_it_names_the_first_of_several_outputs():
    summary = nn.LSTM(3, 4, rng=0).summary(np.zeros((2, 5, 3)))
    assert summary.root.output == "(2, 5, 4) and 2 more"


def test_it_prints_in_eighty_columns():
    model = nn.Sequential(
        nn.TransformerEncoderLayer(8, 2, rng=0),
        nn.Residual(nn.Sequential(nn.Residual(nn.Linear(8, 8, rng=0)))),
    )
    text = repr(model.summary(np.zeros((3, 7, 8))))
    assert max(map(len, text.splitlines())) <= 80
    assert "        module: Linear(8, 8)" in text


def test_a_model_within_itself_ends():
    model = nn.Sequential(nn.Linear(2, 2, rng=0))
    model.layers.append(model)
    assert [row.title for row in model.summary().root.within] == ["layers[0]: Linear(2, 2)"]
