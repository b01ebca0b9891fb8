"""Every loss: its formula, its derivatives, its weights, and the same numbers when compiled."""

from functools import partial

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn
from adjoint.compiler.program import TIERS
from adjoint.nn import functional
from adjoint.optim import SGD
from adjoint.training.step import TrainingStep
from sampled import sampled

RNG = np.random.default_rng(0)
ROWS, COLUMNS = 6, 3
A = RNG.normal(size=(ROWS, COLUMNS))  # scores
REAL = RNG.normal(size=(ROWS, COLUMNS)) * 2
LABELS = np.array([0, 2, 1, 1, 2, 0])
YES = np.array([[0, 1, 1], [1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 1, 0], [1, 1, 1]])
SHARES = np.array([[0.5, 0.25, 0.25], [1, 0, 0], [0, 0.5, 0.5], [0.2, 0.3, 0.5]] * 2)[:ROWS]
COUNTS = np.array([[0, 1, 4], [2, 0, 0], [1, 1, 3], [0, 0, 0], [5, 1, 0], [1, 2, 1]])
WEIGHTS = np.array([1.0, 2.0, 0.0, 0.5, 3.0, 1.5])
CLASS_WEIGHT = (0.5, 2.0, 1.5)
NEGATIVE = RNG.normal(size=(ROWS, COLUMNS))


# --- the formulas, a number for every row -----------------------------------------------------


def log_p(a):
    return a - np.log(np.exp(a).sum(-1, keepdims=True))


def p(a):
    return 1 / (1 + np.exp(-a))


def huber(a, t, delta):
    r = abs(a - t)
    return np.where(r <= delta, r**2 / 2, delta * (r - delta / 2)).mean(-1)


def pinball(a, t, q):
    r = t - a
    return np.where(r > 0, q * r, (q - 1) * r).mean(-1)


def binary(a, t, weight=1.0):
    return -(weight * t * np.log(p(a)) + (1 - t) * np.log(1 - p(a))).mean(-1)


def focal(a, t, gamma):
    right = np.where(t == 1, p(a), 1 - p(a))
    return -((1 - right) ** gamma * np.log(right)).mean(-1)


def divergence(a, t):
    return (np.where(t > 0, t * np.log(t + (t == 0)), 0) - t * a).sum(-1)


def cosine(a, t):
    norms = np.linalg.norm(a, axis=-1) * np.linalg.norm(t, axis=-1)
    return 1 - (a * t).sum(-1) / norms


def triplet(a, t, margin):
    near, far = np.linalg.norm(a - t, axis=-1), np.linalg.norm(a - NEGATIVE, axis=-1)
    return np.maximum(0, near - far + margin)


def triplet_loss(a, t, **settings):
    return functional.triplet_loss(a, t, NEGATIVE.astype(a.dtype), **settings)


SPREAD = np.random.default_rng(3).uniform(0.2, 2, (ROWS, COLUMNS))


def normal(a, t, v, full=False):
    constant = np.log(2 * np.pi) / 2 if full else 0
    return ((np.log(v) + (t - a) ** 2 / v) / 2 + constant).reshape(ROWS, -1)


def gaussian(a, t, variance=SPREAD, **settings):
    v = np.asarray(variance).astype(a.dtype)
    return functional.gaussian_nll_loss(a, t, v, **settings)


def picked(a):
    return -log_p(a)[np.arange(ROWS), LABELS]


# name: the loss, its settings, prediction, target, and the formula
f = functional
CASES = {
    "mse": (f.mse_loss, {}, A, REAL, lambda a, t: ((a - t) ** 2).mean(-1)),
    "mae": (f.mae_loss, {}, A, REAL, lambda a, t: abs(a - t).mean(-1)),
    "huber": (f.huber_loss, {}, A, REAL, lambda a, t: huber(a, t, 1.0)),
    "huber of 0.3": (f.huber_loss, {"delta": 0.3}, A, REAL, lambda a, t: huber(a, t, 0.3)),
    "median": (f.quantile_loss, {}, A, REAL, lambda a, t: pinball(a, t, 0.5)),
    "quantile": (f.quantile_loss, {"levels": 0.9}, A, REAL, lambda a, t: pinball(a, t, 0.9)),
    "quantiles": (
        f.quantile_loss,
        {"levels": (0.1, 0.5, 0.9)},
        A,
        REAL[:, 0],
        lambda a, t: pinball(a, t[:, None], np.array([0.1, 0.5, 0.9])),
    ),
    "poisson": (f.poisson_loss, {}, A, COUNTS, lambda a, t: (np.exp(a) - t * a).mean(-1)),
    "gaussian": (gaussian, {}, A, REAL, lambda a, t: normal(a, t, SPREAD).mean(-1)),
    "full gaussian": (
        gaussian,
        {"full": True},
        A,
        REAL,
        lambda a, t: normal(a, t, SPREAD, full=True).mean(-1),
    ),
    "one variance": (
        gaussian,
        {"variance": 0.3},
        A,
        REAL,
        lambda a, t: normal(a, t, 0.3).mean(-1),
    ),
    "labels": (f.cross_entropy, {}, A, LABELS, lambda a, t: picked(a)),
    "shares": (f.cross_entropy, {}, A, SHARES, lambda a, t: -(t * log_p(a)).sum(-1)),
    "smooth labels": (
        f.cross_entropy,
        {"label_smoothing": 0.1},
        A,
        LABELS,
        lambda a, t: 0.9 * picked(a) - 0.1 * log_p(a).mean(-1),
    ),
    "smooth shares": (
        f.cross_entropy,
        {"label_smoothing": 0.1},
        A,
        SHARES,
        lambda a, t: -((0.9 * t + 0.1 / 3) * log_p(a)).sum(-1),
    ),
    "weighted shares": (
        f.cross_entropy,
        {"class_weight": CLASS_WEIGHT},
        A,
        SHARES,
        lambda a, t: -(CLASS_WEIGHT * t * log_p(a)).sum(-1),
    ),
    "smooth weighted shares": (
        f.cross_entropy,
        {"class_weight": CLASS_WEIGHT, "label_smoothing": 0.1},
        A,
        SHARES,
        lambda a, t: -(CLASS_WEIGHT * (0.9 * t + 0.1 / 3) * log_p(a)).sum(-1),
    ),
    "binary": (f.binary_cross_entropy, {}, A, YES, binary),
    "binary shares": (f.binary_cross_entropy, {}, A, SHARES, binary),
    "weighted binary": (
        f.binary_cross_entropy,
        {"pos_weight": 3.0},
        A,
        YES,
        lambda a, t: binary(a, t, 3.0),
    ),
    "binaries weighted": (
        f.binary_cross_entropy,
        {"pos_weight": (1.0, 2.0, 3.0)},
        A,
        YES,
        lambda a, t: binary(a, t, np.array([1.0, 2.0, 3.0])),
    ),
    "focal": (f.focal_loss, {}, A, YES, lambda a, t: focal(a, t, 2)),
    "focal of 0.5": (f.focal_loss, {"gamma": 0.5}, A, YES, lambda a, t: focal(a, t, 0.5)),
    "hinge": (
        f.hinge_loss,
        {},
        A,
        2 * YES - 1,
        lambda a, t: np.maximum(0, 1 - t * a).mean(-1),
    ),
    "divergence": (f.kl_divergence, {}, A, SHARES, divergence),
    "cosine": (f.cosine_loss, {}, A, REAL, cosine),
    "triplet": (triplet_loss, {}, A, REAL, lambda a, t: triplet(a, t, 1.0)),
    "wide triplet": (triplet_loss, {"margin": 3.0}, A, REAL, lambda a, t: triplet(a, t, 3.0)),
}
# Those whose rows are weighted by their classes, too: what each row counts.
IN_CLASSES = {
    "class weights": {"class_weight": CLASS_WEIGHT},
    "ignored": {"ignore_index": 2},
    "both": {"class_weight": CLASS_WEIGHT, "ignore_index": 0},
    "all": {"class_weight": CLASS_WEIGHT, "ignore_index": 1, "label_smoothing": 0.2},
}
cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
in_classes = pytest.mark.parametrize("settings", IN_CLASSES.values(), ids=IN_CLASSES)
dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


# Those of which one entry is a row.
OF_ROWS = {f.cross_entropy, f.kl_divergence, f.cosine_loss, triplet_loss}


def in_dtype(dtype, *arrays):
    return [x.astype(dtype) if x.dtype.kind == "f" else x for x in arrays]


def class_formula(a, class_weight=(1, 1, 1), ignore_index=None, label_smoothing=0.0):
    """Return the numerators of the rows and what each row counts."""
    w, e, logs = np.array(class_weight), label_smoothing, log_p(a)
    kept = ignore_index != LABELS
    each = -(1 - e) * w[LABELS] * logs[np.arange(ROWS), LABELS] - e / COLUMNS * (w * logs).sum(-1)
    return kept * each, kept * w[LABELS]


# --- values -----------------------------------------------------------------------------------


@dtypes
@cases
def test_a_loss_is_the_mean_of_its_formula(case, dtype):
    loss, settings, a, t, formula = case
    rtol = 1e-5 if dtype == np.float32 else 1e-5 if loss is triplet_loss else 1e-12
    expected = formula(a, t)
    a, t, weights = in_dtype(dtype, a, t, WEIGHTS)
    found = loss(ad.tensor(a), t, **settings)
    assert found.shape == ()
    assert found.dtype == dtype
    np.testing.assert_allclose(found.item(), expected.mean(), rtol=rtol)
    found = loss(ad.tensor(a), t, sample_weight=weights, **settings)
    assert found.dtype == dtype
    np.testing.assert_allclose(found.item(), (WEIGHTS @ expected) / WEIGHTS.sum(), rtol=rtol)


@dtypes
@cases
def test_a_sum_and_no_reduction_multiply_by_weights_and_divide_by_nothing(case, dtype):
    loss, settings, a, t, formula = case
    rtol = 1e-5 if dtype == np.float32 else 1e-5 if loss is triplet_loss else 1e-12
    rows = formula(a, t) * (1 if loss in OF_ROWS else COLUMNS)
    a, t, weights = in_dtype(dtype, a, t, WEIGHTS)
    for w in (None, weights):
        each = loss(ad.tensor(a), t, sample_weight=w, reduction="none", **settings)
        total = loss(ad.tensor(a), t, sample_weight=w, reduction="sum", **settings)
        assert each.shape == ((ROWS,) if loss in OF_ROWS else (ROWS, COLUMNS))
        assert total.shape == ()
        assert each.dtype == total.dtype == dtype
        weighed = rows if w is None else WEIGHTS * rows
        np.testing.assert_allclose(each.data.reshape(ROWS, -1).sum(-1), weighed, rtol=rtol)
        np.testing.assert_allclose(total.item(), weighed.sum(), rtol=rtol)


@dtypes
@in_classes
def test_a_sum_of_classes_divides_by_nothing(settings, dtype):
    (a,) = in_dtype(dtype, A)
    each, _ = class_formula(A, **settings)
    rtol = 1e-5 if dtype == np.float32 else 1e-12
    for w in (None, WEIGHTS):
        given = {"sample_weight": w, **settings}
        expected = each if w is None else w * each
        found = functional.cross_entropy(ad.tensor(a), LABELS, reduction="none", **given)
        np.testing.assert_allclose(found.data, expected, rtol=rtol, atol=rtol)
        found = functional.cross_entropy(ad.tensor(a), LABELS, reduction="sum", **given)
        np.testing.assert_allclose(found.item(), expected.sum(), rtol=rtol)
        assert found.dtype == dtype


def test_a_sum_over_rows_that_do_not_count_is_0():
    nothing = {"sample_weight": np.zeros(ROWS), "reduction": "sum"}
    assert functional.mse_loss(A, REAL, **nothing) == 0
    assert functional.cross_entropy(A, LABELS, **nothing) == 0
    assert functional.cross_entropy(A, 0 * LABELS, ignore_index=0, reduction="sum") == 0


@pytest.mark.parametrize("shape", [(), (ROWS,), (ROWS, 1), (1, COLUMNS), (1, 1)])
def test_variances_broadcast_to_the_means(shape):
    v = np.random.default_rng(1).uniform(0.5, 2, shape)
    spread = v[:, None] if shape == (ROWS,) else v
    expected = normal(A, REAL, np.broadcast_to(spread, A.shape))
    found = functional.gaussian_nll_loss(A, REAL, v, reduction="none")
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    ad.check_gradients(lambda a, v: functional.gaussian_nll_loss(a, REAL, v), A, v)


def test_a_plain_variance_keeps_the_dtype():
    a = ad.tensor(A.astype(np.float32))
    assert functional.gaussian_nll_loss(a, REAL.astype(np.float32), 0.5).dtype == np.float32


def test_small_variances_count_as_eps_with_the_gradient_there():
    v = ad.tensor([0.0, 1e-9, 0.25], requires_grad=True)
    m, t = np.zeros(3), np.full(3, 0.1)
    functional.gaussian_nll_loss(m, t, v, eps=1e-4, reduction="sum").backward()
    raised = np.array([1e-4, 1e-4, 0.25])
    np.testing.assert_allclose(v.grad.data, (1 / raised - 0.01 / raised**2) / 2, rtol=1e-12)


@dtypes
@in_classes
def test_class_weights_and_ignored_classes_change_what_is_divided_by(settings, dtype):
    (a,) = in_dtype(dtype, A)
    each, counts = class_formula(A, **settings)
    rtol = 1e-5 if dtype == np.float32 else 1e-12
    found = functional.cross_entropy(ad.tensor(a), LABELS, **settings)
    assert found.dtype == dtype
    np.testing.assert_allclose(found.item(), each.sum() / counts.sum(), rtol=rtol)
    found = functional.cross_entropy(ad.tensor(a), LABELS, sample_weight=WEIGHTS, **settings)
    np.testing.assert_allclose(found.item(), (WEIGHTS @ each) / (WEIGHTS @ counts), rtol=rtol)


def test_ignored_labels_may_be_out_of_range():
    labels = np.where(LABELS == 2, -100, LABELS)
    found = functional.cross_entropy(A, labels, ignore_index=-100)
    np.testing.assert_allclose(found, functional.cross_entropy(A, LABELS, ignore_index=2))
    with pytest.raises(ValueError, match=r"label -100 .*is not in range"):
        functional.cross_entropy(A, labels, ignore_index=2)


def test_focal_loss_without_focus_is_binary_cross_entropy():
    found = functional.focal_loss(A, SHARES, gamma=0.0)
    np.testing.assert_allclose(found, functional.binary_cross_entropy(A, SHARES), rtol=1e-14)


@dtypes
@pytest.mark.parametrize("loss", [f.binary_cross_entropy, f.focal_loss, f.cross_entropy])
def test_extreme_logits_give_finite_losses_and_gradients(loss, dtype):
    a = np.array([[1e4, -1e4], [-1e4, 1e4], [0, 0]], dtype)
    for t in ([[1, 0], [1, 0], [1, 0]], [[0, 1], [1, 0], [0, 1]]):
        logits = ad.tensor(a, requires_grad=True)
        found = loss(logits, np.array(t))
        found.backward()
        assert np.isfinite(found.item())
        assert np.isfinite(logits.grad.data).all()
        assert found.dtype == logits.grad.dtype == dtype


def test_binary_cross_entropy_keeps_small_losses():
    for a, t in ((40.0, 1), (-40.0, 0)):
        found = functional.binary_cross_entropy(np.array([a]), [t])
        np.testing.assert_allclose(found, np.exp(-40.0), rtol=1e-14)


def test_binary_cross_entropy_has_a_gradient_at_0():
    logits = ad.tensor([0.0, 0.0], requires_grad=True)
    functional.binary_cross_entropy(logits, [0, 1]).backward()
    np.testing.assert_array_equal(logits.grad.data, [0.25, -0.25])


def test_impossible_classes_that_do_not_occur_cost_nothing():
    found = functional.kl_divergence(np.array([[0.0, -np.inf]]), [[1.0, 0.0]])
    assert found == 0


def test_rows_of_zeros_have_finite_gradients():
    a, zeros = ad.tensor(np.zeros((2, 3)), requires_grad=True), np.zeros((2, 3))
    for loss in (f.cosine_loss(a, REAL[:2]), f.triplet_loss(a, zeros, zeros)):
        loss.backward()
        assert np.isfinite(a.grad.data).all()


# --- derivatives ------------------------------------------------------------------------------


@cases
def test_gradients_of_losses(case):
    loss, settings, a, t, _ = case
    ad.check_gradients(lambda a: loss(a, t, **settings), a)
    ad.check_gradients(lambda a: loss(a, t, sample_weight=WEIGHTS, **settings), a)


@cases
@pytest.mark.parametrize("reduction", ["sum", "none"])
def test_gradients_of_losses_that_are_no_mean(case, reduction):
    loss, settings, a, t, _ = case
    given = {**settings, "reduction": reduction, "sample_weight": WEIGHTS}
    ad.check_gradients(lambda a: loss(a, t, **given), a)


@in_classes
def test_gradients_with_class_weights(settings):
    ad.check_gradients(lambda a: functional.cross_entropy(a, LABELS, **settings), A)


def test_weights_have_gradients():
    def weighted(w):
        w = np.exp(w)
        plain = functional.huber_loss(A, REAL, sample_weight=w)
        return plain + functional.cross_entropy(A, LABELS, sample_weight=w, ignore_index=1)

    ad.check_gradients(weighted, WEIGHTS)


@in_classes
def test_class_weights_with_more_axes(settings):
    deep, labels = A.reshape(2, 3, COLUMNS), LABELS.reshape(2, 3)
    found = functional.cross_entropy(deep, labels, **settings)
    np.testing.assert_allclose(found, functional.cross_entropy(A, LABELS, **settings), rtol=1e-13)
    found = functional.cross_entropy(deep, labels, sample_weight=[1.0, 3.0], **settings)
    expected = functional.cross_entropy(A, LABELS, sample_weight=np.repeat([1, 3], 3), **settings)
    np.testing.assert_allclose(found, expected, rtol=1e-13)


# --- compiled ---------------------------------------------------------------------------------

STEPS = {name: (partial(loss, **given), t) for name, (loss, given, _, t, _) in CASES.items()}
STEPS |= {
    name: (partial(functional.cross_entropy, **given), LABELS) for name, given in IN_CLASSES.items()
}
STEPS |= {
    f"sum of {name}": (partial(loss, reduction="sum"), target)
    for name, (loss, target) in STEPS.items()
    if name in {"mse", "gaussian", "labels", "shares", "ignored", "all"}
}


def steps(loss, target, tiers):
    """Return the losses of three steps and the parameters after them."""
    model = nn.Linear(2, COLUMNS, rng=0)
    optimizer = SGD(model.parameters(), lr=0.1)
    X = np.random.default_rng(5).normal(size=(ROWS, 2))
    found = []
    step = None if tiers is None else TrainingStep(model, loss, optimizer, tiers=tiers)
    for _ in range(3):
        if step is None:
            optimizer.zero_grad()
            value = loss(model(X), target)
            value.backward()
            optimizer.step()
            found.append(value.item())
        else:
            found.append(float(step(X, target)))
            assert next(iter(step.programs.values())).tier == next(iter(tiers), "portable")
    return found, [parameter.data for parameter in model.parameters()]


@pytest.mark.parametrize("tiers", [TIERS, {}], ids=["native", "portable"])
@pytest.mark.parametrize(("loss", "target"), sampled(STEPS.values(), 4), ids=STEPS)
def test_steps_give_the_same_numbers_compiled(loss, target, tiers):
    if tiers:
        pytest.importorskip("llvmlite")
    (expected, params), (found, others) = steps(loss, target, None), steps(loss, target, tiers)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    for one, other in zip(params, others, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-10, atol=1e-13)


# --- modules ----------------------------------------------------------------------------------

MODULES = {
    "mse": nn.MSELoss(),
    "mae": nn.MAELoss(),
    "huber of 0.3": nn.HuberLoss(0.3),
    "quantiles": nn.QuantileLoss((0.1, 0.5, 0.9)),
    "poisson": nn.PoissonLoss(),
    "smooth labels": nn.CrossEntropyLoss(label_smoothing=0.1),
    "weighted shares": nn.CrossEntropyLoss(CLASS_WEIGHT),
    "weighted binary": nn.BinaryCrossEntropy(3.0),
    "focal of 0.5": nn.FocalLoss(0.5),
    "hinge": nn.HingeLoss(),
    "divergence": nn.KLDivergence(),
    "cosine": nn.CosineLoss(),
}
SUMS = {
    "mse": nn.MSELoss(reduction="sum"),
    "huber of 0.3": nn.HuberLoss(0.3, reduction="sum"),
    "smooth labels": nn.CrossEntropyLoss(label_smoothing=0.1, reduction="sum"),
    "weighted binary": nn.BinaryCrossEntropy(3.0, reduction="sum"),
    "cosine": nn.CosineLoss(reduction="sum"),
}


@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_its_function_with_settings(name):
    loss, settings, a, t, _ = CASES[name]
    module = MODULES[name]
    assert module(a, t) == loss(a, t, **settings)
    assert module(a, t, sample_weight=WEIGHTS) == loss(a, t, sample_weight=WEIGHTS, **settings)
    compiled, eager = steps(module, t, {}), steps(module, t, None)
    np.testing.assert_allclose(compiled[0], eager[0], rtol=1e-12)


@pytest.mark.parametrize("name", SUMS)
def test_a_module_of_a_sum_trains_alike_eager_compiled_and_in_fit(name):
    pytest.importorskip("llvmlite")
    loss, settings, a, t, _ = CASES[name]
    assert SUMS[name](a, t) == loss(a, t, reduction="sum", **settings)
    found = []
    for compile in (True, False):
        model = nn.Linear(2, COLUMNS, rng=0)
        given = {"optimizer": partial(SGD, lr=0.01), "epochs": 3, "batch_size": 4, "seed": 0}
        given |= {"loss": SUMS[name], "compile": compile, "progress": False}
        history = ad.fit(model, (A[:, :2], t), validation=(A[:, :2], t), **given)
        last = float(SUMS[name](model(A[:, :2]), t).data)
        np.testing.assert_allclose(history["val_loss"][-1], last, rtol=1e-12)
        found.append(history)
    assert found[0].tier == "native"
    np.testing.assert_allclose(found[0]["loss"], found[1]["loss"], rtol=1e-12)


def fitted(loss, **settings):
    model = nn.Linear(2, COLUMNS, rng=0)
    given = {"optimizer": partial(SGD, lr=0.01), "epochs": 3, "batch_size": 4, "seed": 0}
    given |= {"progress": False, **settings}
    history = ad.fit(model, (A[:, :2], REAL), loss=loss, **given)
    return np.concatenate([history["loss"], model.weight.data.ravel()])


def test_a_sum_in_fit_is_not_scaled_by_weights_nor_by_the_parts_of_a_batch():
    total = nn.MSELoss(reduction="sum")
    plain = fitted(total)
    np.testing.assert_allclose(fitted(total, accumulate=3), plain, rtol=1e-12)
    np.testing.assert_allclose(
        fitted(partial(f.mse_loss, reduction="sum"), accumulate=3), plain, rtol=1e-12
    )
    # Only how weights relate to each other counts in fit: it scales them to the mean 1.
    weights = np.array([1.0, 2.0, 1.0, 0.5, 3.0, 1.5])
    whole = fitted(total, sample_weight=weights, epochs=1, batch_size=ROWS)
    start = nn.Linear(2, COLUMNS, rng=0)(A[:, :2])
    expected = f.mse_loss(start, REAL, sample_weight=weights / 1.5, reduction="sum")
    np.testing.assert_allclose(whole[0], expected.item(), rtol=1e-12)


def test_fit_refuses_a_loss_without_a_reduction():
    with pytest.raises(ValueError, match=r"MSELoss\(reduction='none'\).*take 'mean' or 'sum'"):
        fitted(nn.MSELoss(reduction="none"))


def test_fit_with_a_predicted_variance_is_the_same_compiled():
    pytest.importorskip("llvmlite")
    likelihood = nn.GaussianNLLLoss()

    def loss(prediction, target):
        return likelihood(prediction[:, 0], target, np.exp(prediction[:, 1]))

    found = []
    for compile in (True, False):
        model = nn.Linear(2, 2, rng=0)
        given = {"optimizer": partial(SGD, lr=0.05), "epochs": 5, "batch_size": 3, "seed": 0}
        given |= {"loss": loss, "compile": compile, "progress": False}
        found.append(ad.fit(model, (A[:, :2], REAL[:, 0]), **given))
    assert found[0].tier == "native"
    np.testing.assert_allclose(found[0]["loss"], found[1]["loss"], rtol=1e-12)


def test_a_loss_module_without_a_reduction_of_its_own_is_the_mean():
    loss = nn.HuberLoss(2.0)
    del loss.reduction  # as in a pickle from before there was a choice
    assert loss(A, REAL) == functional.huber_loss(A, REAL, delta=2.0)


def test_the_module_of_triplets():
    found = nn.TripletLoss(3.0)(A, REAL, NEGATIVE)
    assert found == functional.triplet_loss(A, REAL, NEGATIVE, margin=3.0)


@pytest.mark.parametrize("kind", [list, np.array, ad.tensor])
def test_class_weights_of_a_module_are_of_any_kind(kind):
    loss = nn.CrossEntropyLoss(kind(CLASS_WEIGHT), ignore_index=2)
    compiled, eager = steps(loss, LABELS, {}), steps(loss, LABELS, None)
    np.testing.assert_allclose(compiled[0], eager[0], rtol=1e-12)


def test_a_module_shows_its_settings():
    assert repr(nn.MAELoss()) == "MAELoss()"
    assert repr(nn.HuberLoss(2.0)) == "HuberLoss(delta=2.0)"
    assert repr(nn.HuberLoss(2.0, reduction="sum")) == "HuberLoss(delta=2.0, reduction='sum')"


@pytest.mark.parametrize("name", functional.LOSSES)
def test_fit_knows_losses_by_name_and_runs_them_natively(name):
    pytest.importorskip("llvmlite")
    others = {"hinge_loss": 2.0 * YES - 1, "cross_entropy": LABELS, "kl_divergence": SHARES}
    target = others.get(name, YES.astype(float))
    found = []
    for compile in (True, False):
        model = nn.Linear(2, COLUMNS, rng=0)
        settings = {"optimizer": partial(SGD, lr=0.1), "epochs": 3, "batch_size": 3, "seed": 0}
        settings |= {"loss": name, "compile": compile, "progress": False}
        found.append(ad.fit(model, (A[:, :2], target), **settings))
    assert found[0].tier == "native"
    np.testing.assert_allclose(found[0]["loss"], found[1]["loss"], rtol=1e-12)


def test_fit_takes_a_module_as_loss():
    found = []
    for loss in ("huber_loss", nn.HuberLoss()):
        model = nn.Linear(2, COLUMNS, rng=0)
        settings = {"optimizer": partial(SGD, lr=0.1), "epochs": 2, "progress": False}
        found.append(ad.fit(model, (A[:, :2], REAL), loss=loss, batch_size=3, seed=0, **settings))
    np.testing.assert_allclose(found[0]["loss"], found[1]["loss"], rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, bool])
def test_whole_numbers_do_not_wrap(dtype):
    prediction, target = np.array([1, 0], dtype), np.array([1, 1], dtype)
    for loss, expected in ((f.mae_loss, 0.5), (f.huber_loss, 0.25), (f.quantile_loss, 0.25)):
        assert loss(prediction, target) == expected
    assert f.quantile_loss(prediction[:, None], target, levels=(0.9,)) == 0.45


def test_whole_numbers_are_weighted_by_fractions():
    prediction, target = np.array([2, 5]), np.array([0, 1])
    assert functional.mae_loss(prediction, target, sample_weight=[0.5, 0.5]) == 3.0


# --- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in functional.LOSSES if name != "cross_entropy"])
def test_shapes_that_would_broadcast_are_refused(name):
    with pytest.raises(ad.ShapeError, match=rf"{name}.*\(5, 1\) and target of shape \(5,\)"):
        functional.LOSSES[name](np.zeros((5, 1)), np.zeros(5))
    with pytest.raises(ValueError, match=rf"{name}.*no entries to average"):
        functional.LOSSES[name](np.zeros((0, 2)), np.zeros((0, 2)))


@cases
def test_weights_of_another_shape_or_sign_are_refused(case):
    loss, settings, a, t, _ = case
    with pytest.raises(ad.ShapeError, match=r"shape \(6, 1\) does not fit; expected shape \(6,\)"):
        loss(a, t, sample_weight=WEIGHTS[:, None], **settings)
    for weights in (-WEIGHTS, 0 * WEIGHTS, WEIGHTS * np.nan):
        with pytest.raises(ValueError, match="expected numbers from 0, not all 0"):
            loss(a, t, sample_weight=weights, **settings)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: f.huber_loss(A, REAL, delta=0.0), "delta is 0.0"),
        (lambda: f.mse_loss(A, REAL, reduction="total"), "reduction 'total'; choose one of mean,"),
        (lambda: nn.MAELoss(reduction="total"), "reduction 'total'; choose one of mean,"),
        (
            lambda: f.mse_loss(A, REAL, reduction="sum", sample_weight=-WEIGHTS),
            "negative entries; expected numbers from 0$",
        ),
        (lambda: f.gaussian_nll_loss(A, REAL, A[:2]), r"\(2, 3\) does not fit .* \(6, 3\)"),
        (lambda: f.gaussian_nll_loss(A, REAL, A), "expected variances from 0; got -"),
        (lambda: f.gaussian_nll_loss(A, REAL, 1.0, eps=0.0), "eps is 0.0"),
        (lambda: f.quantile_loss(A, REAL, levels=1.0), "levels are 1.0"),
        (lambda: f.quantile_loss(A, REAL, levels=(0.5,)), "expected shape .6, 3, 1."),
        (lambda: f.focal_loss(A, YES, gamma=-1.0), "gamma is -1.0"),
        (lambda: f.triplet_loss(A, A, A, margin=0), "margin is 0"),
        (lambda: f.triplet_loss(A, A, A[0]), "triplet_loss: .*differ"),
        (lambda: f.cosine_loss(1.0, 1.0), "no axis of entries"),
        (lambda: f.hinge_loss(A, YES), "-1 or 1; got 0.0 at .0, 0. "),
        (lambda: f.poisson_loss(A, COUNTS - 1), "expected a target that is a count from 0"),
        (
            lambda: f.binary_cross_entropy(A, 2 * YES),
            "a target that is a number from 0 to 1",
        ),
        (lambda: f.kl_divergence(A, -SHARES), "a target that is a number from 0 to 1"),
        (lambda: f.mae_loss(1.0, 1.0, sample_weight=1.0), "sample_weight needs rows"),
        (lambda: f.cross_entropy(A, LABELS, label_smoothing=2), "label_smoothing is 2"),
        (lambda: f.cross_entropy(A, LABELS, class_weight=[1, 2]), "class_weight of shape .2,."),
        (lambda: f.cross_entropy(A, SHARES, ignore_index=1), "is for class labels"),
        (lambda: f.cross_entropy(A, 0 * LABELS, ignore_index=0), "all are ignored or of"),
        (lambda: f.cross_entropy(A, 0 * LABELS, class_weight=(0, 1, 1)), "of weight 0"),
    ],
)
def test_settings_and_targets_out_of_range_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# --- against another library ------------------------------------------------------------------


def test_losses_are_those_of_torch():
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    a, real, shares, yes, counts = (
        torch.tensor(x, dtype=torch.float64) for x in (A, REAL, SHARES, YES, COUNTS)
    )
    labels, w = torch.tensor(LABELS), torch.tensor(CLASS_WEIGHT, dtype=torch.float64)
    negative = torch.tensor(NEGATIVE)
    pairs = [
        (f.mae_loss(A, REAL), F.l1_loss(a, real)),
        (f.mae_loss(A, REAL, reduction="sum"), F.l1_loss(a, real, reduction="sum")),
        (
            f.gaussian_nll_loss(A, REAL, SPREAD, full=True),
            F.gaussian_nll_loss(a, real, torch.tensor(SPREAD), full=True),
        ),
        (
            f.cross_entropy(A, LABELS, class_weight=CLASS_WEIGHT, reduction="sum"),
            F.cross_entropy(a, labels, weight=w, reduction="sum"),
        ),
        (f.huber_loss(A, REAL, delta=0.7), F.huber_loss(a, real, delta=0.7)),
        (f.poisson_loss(A, COUNTS), F.poisson_nll_loss(a, counts)),
        (f.kl_divergence(A, SHARES), F.kl_div(a, shares, reduction="batchmean")),
        (f.triplet_loss(A, REAL, NEGATIVE), F.triplet_margin_loss(a, real, negative)),
        (f.cosine_loss(A, REAL), 1 - F.cosine_similarity(a, real).mean()),
        (
            f.binary_cross_entropy(A, YES, pos_weight=CLASS_WEIGHT),
            F.binary_cross_entropy_with_logits(a, yes, pos_weight=w),
        ),
        (
            f.cross_entropy(A, SHARES, class_weight=CLASS_WEIGHT, label_smoothing=0.2),
            F.cross_entropy(a, shares, weight=w, label_smoothing=0.2),
        ),
        (
            f.cross_entropy(
                A, LABELS, class_weight=CLASS_WEIGHT, label_smoothing=0.2, ignore_index=1
            ),
            F.cross_entropy(a, labels, weight=w, label_smoothing=0.2, ignore_index=1),
        ),
    ]
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours, theirs.item(), rtol=1e-12)


def test_a_loss_module_trains_natively_unasked():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(64, 2)), rng.integers(3, size=64)
    loss = nn.CrossEntropyLoss(class_weight=[1.0, 2.0, 0.5], label_smoothing=0.1)
    found = []
    for compile in ("auto", False):
        model = nn.MLP(2, 4, 3, activation="tanh", rng=0)
        history = ad.fit(
            model,
            (X, y),
            loss=loss,
            optimizer=ad.optim.SGD(model.parameters(), lr=0.1),
            epochs=500,
            batch_size=16,
            seed=0,
            compile=compile,
        )
        found.append((history.tier, history.loss[-1]))
    assert [tier for tier, _ in found] == ["native", "eager"], history.report()
    assert found[0][1] == pytest.approx(found[1][1], rel=1e-9)


def test_a_loss_module_of_the_users_is_theirs():
    class Mine(nn.MSELoss):
        def forward(self, prediction, target):
            return super().forward(prediction, target)

    model = nn.MLP(2, 4, 2, rng=0)
    history = ad.fit(
        model,
        (np.zeros((8, 2)), np.zeros((8, 2))),
        loss=Mine(),
        optimizer=ad.optim.SGD(model.parameters(), lr=0.1),
        epochs=1,
        batch_size=8,
    )
    assert "Mine() is not adjoint's own" in history.report()
