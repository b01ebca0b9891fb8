"""Callbacks: called when they should be, in every tier, and changing only what they should."""

import json
import struct
import sys

import numpy as np
import pytest
from adjoint.callbacks import (
    AtEpochs,
    Callback,
    EarlyStopping,
    JSONLines,
    LayerStatistics,
    ReduceOnPlateau,
    TensorBoard,
    Training,
)

import adjoint as ad
from adjoint.training.callbacks.callback import next_call
from adjoint.training.callbacks.statistics import QUANTITIES, measure_layers


def train(callbacks, compile, epochs=120, lr=0.1):
    X, y = ad.datasets.make_moons(100, seed=0)
    model = ad.nn.MLP(2, 3, 2, rng=0)
    optimizer = ad.optim.SGD(model.parameters(), lr=lr)
    return ad.fit(
        model,
        (X, y),
        loss="cross_entropy",
        optimizer=optimizer,
        epochs=epochs,
        batch_size=5,
        seed=0,
        callbacks=callbacks,
        compile=compile,
    )


@pytest.fixture(params=[True, False], ids=["native", "eager"])
def compile(request):
    if request.param:
        pytest.importorskip("llvmlite")
    return request.param


def test_it_is_called_at_its_epochs_only(compile):
    seen = []
    train([AtEpochs([1, 7, 50], lambda history, model: seen.append(len(history)))], compile)
    assert seen == [1, 7, 50]


def test_it_can_end_the_training(compile):
    history = train([AtEpochs([9, 20], lambda history, model: True)], compile)
    assert len(history) == 9


def test_an_ordinary_callback_beside_it_is_called_after_every_epoch(compile):
    some, every = [], []
    callbacks = [
        AtEpochs([3], lambda history, model: some.append(len(history))),
        lambda history, model: every.append(len(history)),
    ]
    train(callbacks, compile, epochs=6)
    assert (some, every) == ([3], [1, 2, 3, 4, 5, 6])


def test_the_losses_do_not_depend_on_where_it_was_called(compile):
    plain = train([], compile)
    stopped = train([AtEpochs([2, 3, 50], lambda history, model: None)], compile)
    np.testing.assert_array_equal(plain.loss, stopped.loss)


def test_the_next_call_is_the_nearest_of_all():
    callbacks = [AtEpochs([5, 9], print), AtEpochs([7], print)]
    assert [next_call(callbacks, n, 20) for n in (0, 5, 7, 9)] == [5, 7, 9, 20]
    assert next_call([print], 3, 20) == 4
    assert next_call([], 3, 20) == 20


def test_a_callback_at_some_epochs_is_told_of_start_and_end():
    told = Told([])
    train([AtEpochs([2], told)], False, epochs=3)
    assert told.seen == ["start", 2, "end"]


# --- start and end --------------------------------------------------------------------------------


class Told(Callback):
    """Writes down what it is told of."""

    def __init__(self, seen, name=""):
        self.seen, self.name = seen, name

    def start(self, training):
        self.training = training
        self.seen.append(f"{self.name}start")

    def __call__(self, history, model):
        self.seen.append(len(history))

    def end(self, history, model):
        self.interrupted = history.interrupted
        self.seen.append(f"{self.name}end")


def raising(error, at=2):
    def callback(history, model):
        if len(history) == at:
            raise error

    return callback


def test_callbacks_start_and_end_in_their_order(compile):
    seen = []
    train([Told(seen, "a "), lambda history, model: None, Told(seen, "b ")], compile, epochs=2)
    assert seen == ["a start", "b start", 1, 1, 2, 2, "a end", "b end"]


def test_the_start_gives_what_the_training_works_with(compile):
    told = Told([])
    train([told], compile, epochs=2)
    training = told.training
    assert isinstance(training.model, ad.nn.MLP)
    assert isinstance(training.optimizer, ad.optim.SGD)
    assert training.loss is ad.nn.functional.cross_entropy
    assert training.epochs == 2


def test_ctrl_c_ends_the_callbacks_which_see_that_it_was(compile):
    told = Told([])
    history = train([told, raising(KeyboardInterrupt())], compile)
    assert told.seen == ["start", 1, 2, "end"]
    assert told.interrupted
    assert history.interrupted


def test_an_error_ends_the_callbacks_and_is_raised(compile):
    told = Told([])
    with pytest.raises(OSError, match="disk full"):
        train([told, raising(OSError("disk full"))], compile)
    assert told.seen == ["start", 1, 2, "end"]
    assert not told.interrupted


def test_a_training_that_diverges_ends_its_callbacks(compile):
    told = Told([])
    with pytest.raises(ad.DivergedError):
        train([told], compile, lr=1e308)
    assert told.seen[-1] == "end"


def test_only_what_was_started_is_ended():
    class Broken(Callback):
        def start(self, training):
            raise OSError("no such folder")

    seen = []
    with pytest.raises(OSError, match="no such folder"):
        train([Told(seen, "a "), Broken(), Told(seen, "b ")], False)
    assert seen == ["a start", "a end"]


def test_an_error_at_one_end_does_not_keep_the_others_from_theirs():
    class Broken(Callback):
        def end(self, history, model):
            raise OSError("disk full")

    seen = []
    with pytest.raises(OSError, match="disk full"):
        train([Broken(), Told(seen)], False, epochs=1)
    assert seen == ["start", 1, "end"]


def test_the_modes_of_the_model_are_its_own_again_after_an_error_at_the_end():
    class Broken(Callback):
        def end(self, history, model):
            self.model = model.eval()
            raise OSError("disk full")

    broken = Broken()
    with pytest.raises(OSError, match="disk full"):
        train([broken], False, epochs=1)
    assert all(module.training for module in broken.model.modules())


# --- early stopping -------------------------------------------------------------------------------

TIERS = {
    "native": {"compile": True},
    "compiled": {
        "compile": True,
        "metrics": {"mean": lambda prediction, target: prediction.mean()},
    },
    "eager": {"compile": False},
}


@pytest.fixture(params=TIERS.values(), ids=TIERS)
def tier(request):
    if request.param["compile"]:
        pytest.importorskip("llvmlite")
    return request.param


class Normalised(ad.nn.Module):
    """A small network with buffers."""

    def __init__(self):
        self.norm = ad.nn.BatchNorm(2)
        self.network = ad.nn.MLP(2, 8, 2, activation="tanh", rng=0)

    def forward(self, x):
        return self.network(self.norm(x))


def stop_early(callbacks, tier, epochs=300):
    """Train on labels of which a fifth is wrong, so that validation soon gets worse."""
    X, y = ad.datasets.make_moons(90, seed=0)
    y = np.where(np.random.default_rng(0).random(90) < 0.2, 1 - y, y)
    model = Normalised()
    states = []
    history = ad.fit(
        model,
        (X[:60], y[:60]),
        loss="cross_entropy",
        optimizer=lambda p: ad.optim.Adam(p, lr=0.05),
        epochs=epochs,
        batch_size=20,
        seed=0,
        validation=(X[60:], y[60:]),
        callbacks=[lambda history, model: states.append(model.state_dict()), *callbacks],
        **tier,
    )
    return history, model, states


def assert_equal_states(one, other):
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name])


def test_early_stopping_gives_exactly_the_weights_of_the_best_epoch(tier):
    stopping = EarlyStopping(patience=7)
    history, model, states = stop_early([stopping], tier)
    best = int(np.argmin(history["val_loss"]))
    assert (stopping.best_epoch, stopping.best_value) == (best + 1, history["val_loss"][best])
    assert len(history) == best + 1 + 7 < 300
    assert_equal_states(model.state_dict(), states[best])
    assert {"norm.running_mean", "network.layers[0].weight"} < states[best].keys()
    assert history.tier == ("native" if tier["compile"] else "eager")
    assert ("no native epochs" in history.report()) == ("metrics" in tier)


def test_early_stopping_does_not_change_the_losses(tier):
    stopped, *_ = stop_early([EarlyStopping(patience=7)], tier)
    plain, *_ = stop_early([], tier, epochs=len(stopped))
    assert plain.tier == stopped.tier
    np.testing.assert_array_equal(plain.loss, stopped.loss)


def test_ctrl_c_restores_the_best_weights_too(tier):
    stopping = EarlyStopping(patience=1000)
    history, model, states = stop_early([stopping, raising(KeyboardInterrupt(), at=40)], tier)
    assert history.interrupted
    assert stopping.best_epoch < len(history) == 40
    assert_equal_states(model.state_dict(), states[stopping.best_epoch - 1])


def test_the_best_weights_are_restored_after_the_last_epoch_as_well():
    stopping = EarlyStopping(patience=1000)
    _, model, states = stop_early([stopping], TIERS["eager"], epochs=40)
    assert stopping.best_epoch < 40
    assert_equal_states(model.state_dict(), states[stopping.best_epoch - 1])


def test_a_training_that_diverges_leaves_the_best_weights():
    def diverge(history, model):
        if len(history) == 5:
            model.network.layers[0].weight.data = np.full((2, 8), np.inf)

    states = []
    stopping = EarlyStopping(patience=1000)
    keep = lambda history, model: states.append((model, model.state_dict()))  # noqa: E731
    with pytest.raises(ad.DivergedError):
        stop_early([stopping, keep, diverge], TIERS["eager"])
    model, best = states[stopping.best_epoch - 1]
    assert_equal_states(model.state_dict(), best)


def test_early_stopping_may_leave_the_last_weights():
    _, model, states = stop_early([EarlyStopping(patience=3, restore_best=False)], TIERS["eager"])
    assert_equal_states(model.state_dict(), states[-1])


class Toy:
    """A model of one number, whose state can be told apart."""

    def __init__(self):
        self.number = 0

    def state_dict(self):
        return {"number": self.number}

    def load_state_dict(self, state):
        self.number = state["number"]


def watch(callback, values, optimizer=None, name="val_loss"):
    """Show a callback what was recorded, until it has enough; return the model."""
    history, model = ad.History(seed=0), Toy()
    callback.start(Training(model, None, optimizer, len(values)))
    for value in values:
        model.number += 1
        history.append(loss=0.0, **{name: value})
        if callback(history, model):
            break
    callback.end(history, model)
    return history, model


def test_what_is_better_by_no_more_than_min_delta_is_no_improvement():
    stopping = EarlyStopping(patience=2, min_delta=0.25)
    history, model = watch(stopping, [1.0, 0.75, 0.8, 0.0])
    assert (len(history), stopping.best_epoch, model.number) == (3, 1, 1)


def test_nan_is_no_improvement_and_any_number_is_better():
    stopping = EarlyStopping(patience=3)
    history, _ = watch(stopping, [np.nan, 2.0, np.nan, np.nan, np.nan, 0.0])
    assert (len(history), stopping.best_epoch, stopping.best_value) == (5, 2, 2.0)


def test_more_is_better_where_it_is_said_or_known():
    rising = [0.1, 0.2, 0.3]
    for stopping, name in [
        (EarlyStopping("val_mine", mode="max", patience=5), "val_mine"),
        (EarlyStopping("val_accuracy", patience=5), "val_accuracy"),
    ]:
        watch(stopping, rising, name=name)
        assert stopping.best_epoch == 3
    stopping = EarlyStopping("val_rmse", patience=5)
    watch(stopping, rising, name="val_rmse")
    assert stopping.best_epoch == 1


def test_a_callback_serves_another_training():
    stopping = EarlyStopping(patience=2)
    watch(stopping, [0.0, 1.0, 1.0])
    history, model = watch(stopping, [3.0, 2.0, 4.0, 5.0, 1.0])
    assert (len(history), stopping.best_epoch, model.number) == (4, 2, 2)


def test_a_monitor_that_is_unknown_or_not_recorded_is_refused():
    with pytest.raises(ValueError, match=r"monitor 'val_mine': pass mode="):
        EarlyStopping("val_mine", patience=1)
    with pytest.raises(ValueError, match=r"'val_loss' is not recorded.*loss; pass fit validation"):
        train([EarlyStopping(patience=3)], False, epochs=1)
    with pytest.raises(ValueError, match="unknown mode 'most'"):
        EarlyStopping(patience=1, mode="most")
    with pytest.raises(ValueError, match="patience"):
        EarlyStopping(patience=0)


# --- reducing on a plateau ------------------------------------------------------------------------


def sgd(lr=1.0, **settings):
    parameter = ad.tensor([1.0], requires_grad=True)
    return ad.optim.SGD([parameter], lr=lr, **settings)


def test_a_plateau_lowers_the_setting_exactly_when_patience_is_over():
    values = np.random.default_rng(0).random(200).cumsum()[::-1] + 3 * np.sin(np.arange(200))
    expected, best, waited = [], np.inf, 0
    for epoch, value in enumerate(values, 1):
        waited += 1
        if value < best - 0.5:
            best, waited = value, 0
        if waited == 4:
            expected.append(epoch)
            waited = 0
    optimizer = sgd()
    slower = ReduceOnPlateau("lr", factor=0.5, patience=4, min_delta=0.5)
    watch(slower, values, optimizer)
    assert slower.reductions == expected
    assert len(expected) > 3
    assert optimizer.lr == 0.5 ** len(expected)


def test_the_setting_falls_to_the_minimum_and_no_further():
    optimizer = sgd()
    slower = ReduceOnPlateau(factor=0.1, patience=1, minimum=0.05)
    watch(slower, [1.0] * 6, optimizer)
    assert optimizer.lr == 0.05
    assert slower.reductions == [2, 3]


def test_every_group_is_lowered_by_the_factor():
    a, b = ad.tensor([1.0], requires_grad=True), ad.tensor([1.0], requires_grad=True)
    optimizer = ad.optim.SGD([{"params": [a]}, {"params": [b], "lr": 0.5}], lr=1.0, momentum=0.5)
    watch(ReduceOnPlateau(factor=0.5, patience=2), [1.0] * 3, optimizer)
    assert [group["lr"] for group in optimizer.groups] == [0.5, 0.25]
    watch(ReduceOnPlateau("momentum", factor=0.5, patience=2), [1.0] * 3, optimizer)
    assert [group["momentum"] for group in optimizer.groups] == [0.25, 0.25]


def test_training_goes_on_with_the_lower_rate_in_every_tier(tier):
    states = []
    for callback in (
        ReduceOnPlateau(monitor="loss", factor=1e-300, patience=1, min_delta=100.0),
        lambda history, model: len(history) == 2,
    ):
        _, model, _ = stop_early([callback], tier, epochs=6)
        states.append(model.network.state_dict())
    # After the second epoch there is no first one that it beats: all steps to come are of size 0.
    assert_equal_states(*states)


def test_settings_that_cannot_be_lowered_are_refused():
    with pytest.raises(ValueError, match=r"lr is a schedule.*would overrule every reduction"):
        watch(ReduceOnPlateau(), [1.0], sgd(lr=lambda steps: 0.1))
    with pytest.raises(ValueError, match="SGD has no setting 'beta1'; it has lr"):
        watch(ReduceOnPlateau("beta1"), [1.0], sgd())
    with pytest.raises(ValueError, match="nesterov is False, expected a number"):
        watch(ReduceOnPlateau("nesterov"), [1.0], sgd())
    with pytest.raises(ValueError, match="factor must be above 0 and below 1, got 1"):
        ReduceOnPlateau(factor=1)


# --- logs -----------------------------------------------------------------------------------------


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_log_has_a_line_for_every_epoch_as_soon_as_it_is_over(tmp_path):
    path = tmp_path / "run.jsonl"
    lengths = []
    callbacks = [JSONLines(path), lambda history, model: lengths.append(len(read(path)))]
    history = train(callbacks, False, epochs=3)
    assert lengths == [1, 2, 3]
    assert read(path) == [{"epoch": i, "loss": x} for i, x in enumerate(history.loss, 1)]


def test_a_log_is_written_anew_unless_it_is_to_be_appended_to(tmp_path):
    path = tmp_path / "run.jsonl"
    for append, lines in ((True, 2), (True, 4), (False, 2)):
        train([JSONLines(path, append=append)], False, epochs=2)
        assert len(read(path)) == lines


def test_a_log_is_closed_after_ctrl_c(tmp_path):
    log = JSONLines(tmp_path / "run.jsonl")
    train([log, raising(KeyboardInterrupt())], False)
    assert len(read(log.path)) == 2
    with pytest.raises(RuntimeError, match="open during a training only"):
        log(ad.History(seed=0), None)


def test_a_log_writes_what_is_no_number_as_null(tmp_path):
    log = JSONLines(tmp_path / "run.jsonl")
    watch(log, [np.nan, np.inf, 1.0])
    assert [line["val_loss"] for line in read(log.path)] == [None, None, 1.0]


def test_tensorboard_finds_the_numbers(tmp_path):
    pytest.importorskip("tensorboardX")
    from tensorboardX.proto.event_pb2 import Event

    board = TensorBoard(tmp_path / "run")
    history = train([board], False, epochs=2)
    with pytest.raises(RuntimeError, match="TensorBoard"):
        board(history, None)  # the file is closed
    (path,) = (tmp_path / "run").iterdir()
    found = []
    data = path.read_bytes()
    while data:  # a record: its length, a checksum, itself, a checksum
        (length,) = struct.unpack("<Q", data[:8])
        event = Event.FromString(data[12 : 12 + length])
        found += [(event.step, v.tag, v.simple_value) for v in event.summary.value]
        data = data[16 + length :]
    assert [(step, tag) for step, tag, _ in found] == [(1, "loss"), (2, "loss")]
    np.testing.assert_array_equal([x for *_, x in found], np.float32(history.loss))


def test_without_tensorboardx_the_error_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ImportError, match="python -m pip install tensorboardX"):
        train([TensorBoard(tmp_path)], False, epochs=1)


def test_nothing_is_printed(tmp_path, capfd):
    X, y = ad.datasets.make_moons(20, seed=0)
    callbacks = [
        EarlyStopping("loss", patience=1),
        ReduceOnPlateau(monitor="loss", patience=1),
        JSONLines(tmp_path / "run.jsonl"),
        LayerStatistics(X, y),
    ]
    train(callbacks, False, epochs=3)
    assert capfd.readouterr() == ("", "")


# --- statistics of layers -------------------------------------------------------------------------


def measured(model, X, y, optimizer=None, loss=ad.nn.functional.cross_entropy):
    optimizer = optimizer or ad.optim.SGD(model.parameters(), lr=0.1)
    rows = measure_layers(Training(model, loss, optimizer, 1), X, y)
    return dict(zip(QUANTITIES, rows.T, strict=True))


def test_the_gradient_norm_of_a_layer_is_that_of_backward():
    X, y = ad.datasets.make_moons(20, seed=0)
    model = ad.nn.MLP(2, 4, 2, activation="tanh", rng=0)
    found = measured(model, X, y)["gradient_norm"]
    assert all(parameter.grad is None for parameter in model.parameters())
    ad.nn.functional.cross_entropy(model(X), y).backward()
    for i in (0, 2):
        layer = model.layers[i]
        squares = sum(np.sum(p.grad.data**2) for p in layer.parameters())
        # A sum in another order.
        np.testing.assert_allclose(found[i], np.sqrt(squares), rtol=1e-13)
    assert np.isnan(found[1])


def test_the_update_ratio_of_an_optimiser_that_only_steps_is_unknown():
    class Halving(ad.optim.Optimizer):
        def step(self):
            for parameter in self.params:
                parameter.data = parameter.data / 2

    X, y = ad.datasets.make_moons(20, seed=0)
    model = ad.nn.MLP(2, 4, 2, rng=0)
    found = measured(model, X, y, Halving(model.parameters(), lr=0.1))
    assert np.isnan(found["update_ratio"]).all()
    assert found["gradient_norm"][0] > 0


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_the_update_ratio_is_that_of_the_step_which_the_optimiser_then_takes(name):
    X, y = ad.datasets.make_moons(20, seed=0)
    model = ad.nn.MLP(2, 4, 2, rng=0)
    optimizer = getattr(ad.optim, name)(model.parameters(), lr=0.1).clip_gradients(norm=0.01)

    def step():
        optimizer.zero_grad()
        ad.nn.functional.cross_entropy(model(X), y).backward()
        optimizer.step()

    def weights():
        layers = model.layers[::2]
        return [np.concatenate([p.data.ravel() for p in x.parameters()]) for x in layers]

    step()  # so that there is something to remember
    found = measured(model, X, y, optimizer)["update_ratio"]
    before = weights()
    step()
    norm = np.linalg.norm
    expected = [norm(b - a) / norm(a) for a, b in zip(before, weights(), strict=True)]
    # Differences of nearby numbers, by the same arithmetic.
    np.testing.assert_allclose(found[::2], expected, rtol=1e-12)


def test_activations_are_described_by_their_numbers():
    X = np.array([[-2.0, 0.0], [1.0, 3.0]])
    model = ad.nn.Sequential(ad.nn.ReLU(), ad.nn.Tanh(), ad.nn.Linear(2, 2, rng=0))
    found = measured(model, X, np.array([0, 1]))
    assert found["mean"][0] == 1.0
    assert found["std"][0] == pytest.approx(np.std([0, 0, 1, 3]))
    np.testing.assert_array_equal(found["zeros"][:2], [0.5, 0.5])
    np.testing.assert_array_equal(found["saturated"], [np.nan, 0.25, np.nan])


BOUNDED = ["Hardtanh", "Sigmoid", "Softsign", "Tanh"]


@pytest.mark.parametrize("name", BOUNDED)
def test_an_activation_is_saturated_near_both_of_its_bounds(name):
    X = np.array([[-1e6, 0.1], [0.2, 1e6]])
    model = ad.nn.Sequential(getattr(ad.nn, name)(), ad.nn.Linear(2, 2, rng=0))
    assert measured(model, X, np.array([0, 1]))["saturated"][0] == 0.5


def test_a_layer_that_is_not_applied_has_no_statistics():
    class Idle(ad.nn.Module):
        def __init__(self):
            self.used, self.idle = ad.nn.Linear(2, 2, rng=0), ad.nn.Linear(2, 2, rng=0)

        def forward(self, x):
            return self.used(x)

    X, y = ad.datasets.make_moons(20, seed=0)
    found = measured(Idle(), X, y)
    for quantity in ("mean", "std", "zeros"):
        assert np.isfinite(found[quantity][0])
        assert np.isnan(found[quantity][1])


def test_a_layer_applied_twice_is_measured_over_both():
    class Twice(ad.nn.Module):
        def __init__(self):
            self.layer, self.act = ad.nn.Linear(2, 2, rng=0), ad.nn.Hardtanh()

        def forward(self, x):
            return self.act(self.layer(self.act(x)))

    model = Twice()
    found = measured(model, np.array([[5.0, 5.0]]), np.array([0]))
    second = np.clip(model.layer(np.ones((1, 2))).data, -1, 1)
    assert found["mean"][1] == pytest.approx((2.0 + second.sum()) / 4)


def test_measuring_leaves_the_model_as_it_was():
    X, y = ad.datasets.make_moons(20, seed=0)
    model = Normalised()
    model.train().norm.eval()
    before = model.state_dict()
    attributes = [dict(vars(module)) for module in model.modules()]
    measured(model, X, y)
    assert_equal_states(model.state_dict(), before)
    assert [dict(vars(module)) for module in model.modules()] == attributes
    with pytest.raises(ad.ShapeError):
        measured(model, X[:, :1], y)
    assert [dict(vars(module)) for module in model.modules()] == attributes


def test_training_goes_on_to_the_same_numbers_while_layers_are_measured(tier):
    X, y = ad.datasets.make_moons(20, seed=0)
    statistics = LayerStatistics(X, y)
    history, model, _ = stop_early([statistics], tier, epochs=5)
    plain, other, _ = stop_early([], tier, epochs=5)
    assert history.tier == plain.tier
    assert_equal_states(model.state_dict(), other.state_dict())
    assert statistics.layers[-1] == "network.layers[2]: Linear"
    assert statistics.epochs == [1, 2, 3, 4, 5]
    assert statistics["gradient_norm"].shape == (5, 4)


def test_statistics_of_an_unknown_quantity_are_refused():
    with pytest.raises(ValueError, match="unknown quantity 'median'; choose one of gradient_norm"):
        LayerStatistics([[0.0]], [0])["median"]
