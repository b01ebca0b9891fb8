"""A distributed training gives the same bits on any number of ranks; here ranks are threads."""

import threading
from functools import partial

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn
from adjoint.parallel import blas
from ranks_as_threads import on_ranks

X, Y = ad.datasets.make_moons(48, seed=0)
IMAGES = np.random.default_rng(0).normal(size=(48, 1, 4, 4))
DATA = {"convolution": (IMAGES, Y)}
NETWORKS = {
    "mlp": lambda: nn.MLP(2, 8, 2, rng=0),
    "norm": lambda: nn.Sequential(nn.Linear(2, 4, rng=0), nn.BatchNorm(4), nn.Linear(4, 2, rng=1)),
    "dropout": lambda: nn.Sequential(
        nn.Linear(2, 8, rng=0), nn.ReLU(), nn.Dropout(0.3, rng=2), nn.Linear(8, 2, rng=1)
    ),
    "convolution": lambda: nn.Sequential(
        nn.Conv2d(1, 2, 3, rng=0), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2, rng=1)
    ),
}


def fitted(model, distributed=True, *, data=(X, Y), **settings):
    given = {"epochs": 3, "batch_size": 32, "seed": 0, "loss": "cross_entropy"} | settings
    return ad.fit(model, data, distributed=distributed, **given)


def bits(model, history):
    arrays = [
        *model.state_dict().values(),
        *map(np.array, map(history.__getitem__, history.keys())),
    ]
    return b"".join(array.tobytes() for array in arrays)


def trained(communicator, name, **settings):
    model = NETWORKS[name]()
    distributed = ad.Distributed(communicator=communicator)
    return bits(model, fitted(model, distributed, data=DATA.get(name, (X, Y)), **settings))


def difference(name, **settings):
    """The greatest difference to the weights of a plain training."""
    plain, model = NETWORKS[name](), NETWORKS[name]()
    settings.setdefault("data", DATA.get(name, (X, Y)))
    fitted(plain, False, **settings)
    fitted(model, **settings)
    pairs = zip(plain.parameters(), model.parameters(), strict=True)
    return max(np.abs(a.data - b.data).max() for a, b in pairs)


# --- the same bits --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "norm",
        "dropout",
        pytest.param("mlp", marks=pytest.mark.full),
        pytest.param("convolution", marks=pytest.mark.full),
    ],
)
def test_any_number_of_ranks_gives_the_bits_of_one(name, full):
    (alone,) = on_ranks(1, lambda communicator: trained(communicator, name))
    for size in (2, 3, 4, 8) if full else (2, 3):
        found = on_ranks(size, lambda communicator: trained(communicator, name))
        assert found == [alone] * size, size


@pytest.mark.full
@pytest.mark.parametrize("optimizer", sorted(ad.optim.OPTIMIZERS))
@pytest.mark.parametrize("name", NETWORKS)
def test_every_optimiser_gives_the_bits_of_one_rank(name, optimizer):
    settings = {"optimizer": optimizer, "epochs": 10, "batch_size": 13}
    (alone,) = on_ranks(1, lambda communicator: trained(communicator, name, **settings))
    for size in (2, 3, 4):
        found = on_ranks(size, lambda communicator: trained(communicator, name, **settings))
        assert found == [alone] * size, size


@pytest.mark.parametrize("name", NETWORKS)
def test_one_process_agrees_with_a_plain_training_to_rounding(name):
    # Adam divides by the size of a gradient, so rounding shows where a gradient is 0: SGD does not.
    assert difference(name, optimizer="sgd") < 1e-14


def test_batches_with_fewer_rows_than_shards_leave_shards_empty():
    settings = {"batch_size": 5, "epochs": 1}
    (alone,) = on_ranks(1, lambda communicator: trained(communicator, "mlp", **settings))
    found = on_ranks(4, lambda communicator: trained(communicator, "mlp", **settings))
    assert found == [alone] * 4
    assert difference("mlp", optimizer="sgd", **settings) < 1e-14


def test_a_rank_without_a_row_takes_part():
    one_row = {"data": (X[:3], Y[:3]), "batch_size": 1, "epochs": 2, "optimizer": "sgd"}
    found = on_ranks(2, lambda communicator: rows_of(communicator, **one_row))
    assert found[0] == found[1]
    assert difference("mlp", **one_row) < 1e-14


def rows_of(communicator, **settings):
    model = NETWORKS["mlp"]()
    return bits(model, fitted(model, ad.Distributed(communicator=communicator), **settings))


def test_metrics_and_validation_are_of_all_rows():
    settings = {"metrics": ["accuracy"], "validation": (X[:30], Y[:30]), "optimizer": "sgd"}
    plain, model = NETWORKS["mlp"](), NETWORKS["mlp"]()
    expected, found = fitted(plain, False, **settings), fitted(model, **settings)
    assert found.keys() == expected.keys()
    for name in expected.keys():  # noqa: SIM118 - a history is no dict
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-12)
    for size in (2, 3):
        same = on_ranks(size, lambda communicator: trained(communicator, "mlp", **settings))
        assert same == [bits(model, found)] * size


def test_blocks_of_validation_data_are_dealt_out(monkeypatch):
    monkeypatch.setattr("adjoint.training.epochs._BLOCK", 7)
    settings = {"metrics": ["accuracy"], "validation": (X, Y)}
    (alone,) = on_ranks(1, lambda communicator: trained(communicator, "mlp", **settings))
    for size in (2, 3):
        found = on_ranks(size, lambda communicator: trained(communicator, "mlp", **settings))
        assert found == [alone] * size


@pytest.mark.parametrize(
    "settings",
    [
        {"sample_weight": np.linspace(0.0, 2.0, 48)},
        pytest.param({"class_weight": {0: 1.0, 1: 3.0}}, marks=pytest.mark.full),
        {"loss": nn.CrossEntropyLoss(class_weight=[1.0, 3.0])},
        pytest.param({"loss": nn.CrossEntropyLoss(ignore_index=1)}, marks=pytest.mark.full),
        {"loss": nn.CrossEntropyLoss(reduction="sum")},
        pytest.param({"shuffle": False}, marks=pytest.mark.full),
        {"data": (X.astype(np.float32), Y), "batch_size": 7},
    ],
    ids=["weights", "classes", "weighted loss", "ignored", "sum", "in order", "short"],
)
def test_settings_mean_what_they_mean_in_one_process(settings):
    settings = {"epochs": 2, "batch_size": 13, "optimizer": "sgd"} | settings
    assert difference("mlp", **settings) < 1e-13


def test_clipping_is_by_the_gradient_of_the_whole_batch():
    def optimizer(params):
        return ad.optim.SGD(params, lr=0.5).clip_gradients(norm=0.01)

    assert difference("mlp", optimizer=optimizer) < 1e-14


def test_dropout_masks_are_those_of_the_rows_places_in_the_batch():
    assert difference("dropout", optimizer="sgd", shuffle=False) < 1e-14


def test_ranks_begin_with_the_weights_and_the_seed_of_rank_0():
    def with_own_weights(communicator):
        model = nn.MLP(2, 4, 2, rng=communicator.rank)
        history = fitted(model, ad.Distributed(communicator=communicator), seed=None)
        return bits(model, history), history.seed

    first, second = on_ranks(2, with_own_weights)
    assert first == second


def test_one_shard_for_each_rank_agrees_to_rounding():
    def faster(communicator):
        model = NETWORKS["mlp"]()
        job = ad.Distributed(shards=None, communicator=communicator)
        fitted(model, job, optimizer="sgd")
        return model.layers[0].weight.data

    first, second = on_ranks(2, faster)
    assert first.tobytes() == second.tobytes()
    plain = NETWORKS["mlp"]()
    fitted(plain, False, optimizer="sgd")
    np.testing.assert_allclose(first, plain.layers[0].weight.data, rtol=0, atol=1e-14)


# --- callbacks, checkpoints, ends -----------------------------------------------------------------


def test_a_checkpoint_of_two_ranks_is_gone_on_from_by_three(tmp_path):
    path = tmp_path / "run"
    (expected,) = on_ranks(1, lambda c: trained(c, "dropout", epochs=4, metrics=["accuracy"]))
    settings = {"metrics": ["accuracy"], "checkpoint": path}
    on_ranks(2, lambda c: trained(c, "dropout", epochs=2, **settings))
    found = on_ranks(3, lambda c: trained(c, "dropout", epochs=4, resume=True, **settings))
    assert found == [expected] * 3


def test_a_job_that_was_started_again_goes_on_without_being_told(tmp_path):
    def attempted(communicator, attempt, epochs):
        communicator.attempt = attempt
        return trained(communicator, "mlp", epochs=epochs, checkpoint=tmp_path / "run")

    (expected,) = on_ranks(1, lambda c: trained(c, "mlp", epochs=3))
    on_ranks(2, lambda c: attempted(c, 0, 1))
    assert on_ranks(2, lambda c: attempted(c, 1, 3)) == [expected] * 2


def test_messages_of_two_trainings_have_other_keys():
    def twice(communicator):
        keys = []
        for _ in range(2):
            trained(communicator, "mlp", epochs=1)
            keys.append(communicator.key(0))
        return keys

    for first, second in on_ranks(1, twice):
        assert second.training == first.training + 1


def test_a_gradient_of_before_the_training_does_not_stay():
    model = NETWORKS["mlp"]()
    nn.functional.cross_entropy(model(X), Y).backward()
    fitted(model, epochs=1)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_products_of_blas_are_computed_in_one_thread(monkeypatch):
    threads = pytest.importorskip("threadpoolctl")
    for name in blas.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    found = []

    def look(history, model):
        known = threads.threadpool_info()
        found.extend(pool["num_threads"] for pool in known if pool["user_api"] == "blas")

    with threads.threadpool_limits(2, user_api="blas"):
        assert "threadpoolctl" not in fitted(NETWORKS["mlp"](), callbacks=[look]).report()
    assert set(found) == {1}


def test_threads_of_blas_that_cannot_be_held_back_are_reported(monkeypatch):
    monkeypatch.setattr(blas, "in_one_thread", lambda: None)
    assert "install threadpoolctl" in fitted(NETWORKS["mlp"](), epochs=1).report()


def test_a_plain_training_does_not_go_on_from_a_distributed_one(tmp_path):
    path = tmp_path / "run"
    fitted(NETWORKS["mlp"](), checkpoint=path)
    with pytest.raises(ValueError, match=r"shards=8, this one has 0"):
        fitted(NETWORKS["mlp"](), False, checkpoint=path, resume=True)


@pytest.mark.parametrize("wrapped", [lambda log: log, partial(ad.callbacks.AtEpochs, [1])])
def test_rank_0_alone_writes_a_log(wrapped, tmp_path):
    def logged(communicator):
        log = ad.callbacks.JSONLines(tmp_path / f"{communicator.rank}.jsonl")
        return trained(communicator, "mlp", callbacks=[wrapped(log)], epochs=1)

    on_ranks(2, logged)
    assert [path.name for path in tmp_path.iterdir()] == ["0.jsonl"]


def test_the_answer_of_rank_0s_callback_ends_all():
    def stopped(communicator):
        model = NETWORKS["mlp"]()
        job = ad.Distributed(communicator=communicator)
        callbacks = [lambda history, model: communicator.rank == 0]
        return len(fitted(model, job, callbacks=callbacks))

    assert on_ranks(2, stopped) == [1, 1]


def test_a_rank_that_is_asked_to_stop_ends_all_after_the_same_step(monkeypatch, tmp_path):
    from adjoint.training import distributed_run

    def stopped(communicator):
        model = NETWORKS["mlp"]()
        job = ad.Distributed(communicator=communicator)
        settings = {"checkpoint": tmp_path / "run", "epochs": 50}
        return bits(model, history := fitted(model, job, **settings)), history.interrupted

    asked = iter([False] * 9 + [True] * 99)
    monkeypatch.setattr(distributed_run.stopping, "is_wanted", lambda: next(asked))
    found = on_ranks(2, stopped)
    assert found[0] == found[1]
    assert found[0][1]
    monkeypatch.undo()
    resumed = on_ranks(
        1, lambda c: trained(c, "mlp", epochs=6, checkpoint=tmp_path / "run", resume=True)
    )
    assert resumed == on_ranks(1, lambda c: trained(c, "mlp", epochs=6))


def test_a_loss_that_is_not_finite_ends_all_with_the_same_error():
    def too_fast(params):
        return ad.optim.SGD(params, lr=1e200)

    def diverged(communicator):
        job = ad.Distributed(communicator=communicator)
        with pytest.raises(ad.DivergedError, match=r"in epoch 1, step 2") as caught:
            fitted(nn.Linear(2, 2, rng=0), job, loss="mse_loss", optimizer=too_fast, data=(X, X))
        return str(caught.value)

    first, second = on_ranks(2, diverged)
    assert first == second


def test_ranks_that_cost_more_than_they_save_are_warned_of_before_the_first_step(monkeypatch):
    def small(communicator):
        communicator.are_processes = True
        job = ad.Distributed(communicator=communicator)
        return fitted(NETWORKS["mlp"](), job, epochs=1).report()

    monkeypatch.setattr("adjoint.training.distributed._OPERATIONS", 1e30)
    monkeypatch.setattr("adjoint.training.distributed._SECONDS_A_SHARD", 0.0)
    with pytest.warns(UserWarning, match=r"2 ranks save .* ms, and to add up .* takes .* ms"):
        (report, _) = on_ranks(2, small)
    assert "fewer ranks" in report
    monkeypatch.setattr("adjoint.training.distributed._OPERATIONS", 1.0)
    (report, _) = on_ranks(2, small)
    assert "fewer ranks" not in report


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"data": [(X, Y)]}, "does not take batches from a stream"),
        ({"accumulate": 2}, "does not take accumulate="),
        ({"reproducible": True}, "does not take reproducible=True"),
        ({"compile": False}, "does not take compile=False"),
    ],
)
def test_what_cannot_be_distributed_is_refused_by_name(settings, message):
    with pytest.raises(ValueError, match=message):
        fitted(NETWORKS["mlp"](), **settings)


def test_more_ranks_than_shards_are_refused():
    with pytest.raises(ValueError, match=r"9 ranks, but a batch has 8 shards.*shards=16"):
        on_ranks(9, lambda communicator: trained(communicator, "mlp"))


def test_ranks_with_other_data_are_refused():
    def with_own_data(communicator):
        job = ad.Distributed(communicator=communicator)
        fitted(NETWORKS["mlp"](), job, data=ad.datasets.make_moons(20, seed=communicator.rank))

    with pytest.raises(
        ValueError, match=r"rank 0 was given X=.*; all ranks must be given the same"
    ):
        on_ranks(2, with_own_data)


def test_weights_that_drift_apart_are_noticed_after_the_epoch():
    def with_a_callback(communicator):
        def shift(history, model):
            model.layers[0].bias.data = model.layers[0].bias.data + communicator.rank

        job = ad.Distributed(communicator=communicator)
        fitted(NETWORKS["mlp"](), job, callbacks=[shift])

    with pytest.raises(RuntimeError, match=r"after epoch 2 rank 1 has other weights than rank 0"):
        on_ranks(2, with_a_callback)


def test_a_second_training_in_another_thread_is_refused_and_the_first_goes_on():
    def with_a_thread(communicator):
        distributed, refused = ad.Distributed(communicator=communicator), []

        def second():
            try:
                fitted(NETWORKS["mlp"](), distributed)
            except RuntimeError as error:
                refused.append(str(error))

        def begin(history, model):
            thread = threading.Thread(target=second)
            thread.start()
            thread.join()

        history = fitted(NETWORKS["mlp"](), distributed, callbacks=[begin], epochs=2)
        fitted(NETWORKS["mlp"](), distributed, epochs=1)  # and so does one after it
        return len(history), refused

    for epochs, refused in on_ranks(2, with_a_thread):
        assert epochs == 2
        assert [text.partition(", and")[0] for text in refused] == [
            "fit: another thread of this process is in a distributed training"
        ] * 2


def test_a_training_in_a_callback_is_of_all_ranks():
    def with_another(communicator):
        distributed = ad.Distributed(communicator=communicator)

        def another(history, model):
            fitted(NETWORKS["mlp"](), distributed, epochs=1)

        model = NETWORKS["mlp"]()
        return bits(model, fitted(model, distributed, callbacks=[another]))

    (alone,) = on_ranks(1, lambda communicator: trained(communicator, "mlp"))
    assert on_ranks(2, with_another) == [alone] * 2


def test_a_label_out_of_range_is_refused():
    with pytest.raises(ValueError, match=r"label 7 at .* is not in range"):
        fitted(NETWORKS["mlp"](), data=(X, np.where(np.arange(48) == 40, 7, Y)))


class Centred(nn.Module):
    """Keeps the mean of a batch, which each shard would have its own of."""

    def __init__(self):
        self.mean = nn.Buffer(np.zeros(2))
        self.linear = nn.Linear(2, 2, rng=0)

    def forward(self, x):
        self.mean = x.mean(axis=0)
        return self.linear(x)


def test_a_buffer_of_one_shards_rows_is_refused_by_name():
    with pytest.raises(ValueError, match=r"mean is computed of the rows of one shard"):
        fitted(Centred())


def test_a_model_that_cannot_be_traced_is_refused():
    class Branching(nn.Module):
        def __init__(self):
            self.linear = nn.Linear(2, 2, rng=0)

        def forward(self, x):
            return self.linear(x) if (x > 0).all() else self.linear(-x)

    with pytest.raises(ValueError, match=r"the step cannot be distributed"):
        fitted(Branching())


def test_another_value_of_distributed_is_refused():
    with pytest.raises(TypeError, match=r"expected True, False or ad.Distributed"):
        fitted(NETWORKS["mlp"](), "yes")
