"""The weights of some epochs are kept, and all members of an ensemble get those of the best one."""

import numpy as np
import pyarrow
import pytest

from adjoint.tables import training
from adjoint.tables.settings import TableSettings
from adjoint.tables.snapshots import epochs_to_keep
from adjoint.tables.trial import prepare


@pytest.mark.parametrize("epochs", [1, 2, 3, 24, 25, 26, 27, 100, 10_000])
@pytest.mark.parametrize("size", [0, 1, 1 << 20, 1 << 26, 1 << 40])
def test_the_first_and_the_last_epoch_are_kept_and_no_more_than_fit(epochs, size):
    kept = epochs_to_keep(epochs, size=size)
    assert kept == sorted(set(kept))
    assert {1, epochs} == {kept[0], kept[-1]}
    assert len(kept) == min(epochs, 25, max((1 << 28) // max(size, 1), 2))


def prepared(y_of, **changed):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 3))
    y = y_of(x) + 0.1 * rng.normal(size=300)
    table = pyarrow.table({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "y": y})
    settings = TableSettings(ensemble=3, hidden=(16,), epochs=20, **changed)
    return *prepare(table, "y", settings), settings


def test_all_members_have_the_weights_of_the_epoch_that_is_best_for_all(monkeypatch):
    seen = []
    choose = training._set_to_best
    monkeypatch.setattr(
        training, "_set_to_best", lambda members: seen.extend(members) or choose(members)
    )
    *given, settings = prepared(lambda x: np.sign(x[:, 0] * x[:, 1]), learning_rate=0.01)
    best = training.train(*given, settings, progress=False).best_epoch
    losses = np.mean([one.history["val_loss"] for one in seen], axis=0)
    assert best == losses.argmin() + 1
    own = {int(np.argmin(one.history["val_loss"])) + 1 for one in seen}
    assert own != {best}  # or the test would not see whose loss it is
    for one in seen:
        for name, values in one.network.state_dict().items():
            np.testing.assert_array_equal(values, one.snapshots[best][name])


def test_where_steps_only_spoil_a_linear_truth_the_linear_model_is_kept():
    *given, settings = prepared(lambda x: x @ [1.0, 2.0, 3.0], learning_rate=1.0)
    trained = training.train(*given, settings, progress=False)
    assert trained.best_epoch == 0
    # The last hidden layer adds nothing yet.
    assert not any(member.coefs[-1].data.any() for member in trained.model.network.members)
