"""Modules, layers and losses."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from adjoint.graph import trace

import adjoint as ad
from adjoint import nn
from adjoint.nn import functional, initialise


class Scaled(nn.Module):
    """A module with parameters and modules in every kind of container, and a buffer."""

    def __init__(self):
        self.scale = nn.Parameter([1.0, 2.0])
        self.blocks = {"in": nn.Linear(2, 3, rng=0), "out": [nn.Linear(3, 2, rng=1)]}
        self.pair = (nn.Parameter(0.5), None)
        self.mean = ad.tensor([0.0, 1.0])
        self.title = "scaled"

    def forward(self, x):
        return self.blocks["out"][0](self.blocks["in"]((x - self.mean) * self.scale))


class Tied(nn.Module):
    def __init__(self):
        self.first = nn.Linear(2, 2, rng=0)
        self.second = nn.Linear(2, 2, rng=1)
        self.second.weight = self.first.weight
        self.again = self.first

    def forward(self, x):
        return self.second(self.first(x))


# --- parameters -----------------------------------------------------------------------------------


def test_a_parameter_copies_its_data_and_requires_a_gradient():
    data = np.ones(2)
    parameter = nn.Parameter(data)
    data[:] = 5
    assert parameter.requires_grad
    assert parameter.is_leaf
    np.testing.assert_array_equal(parameter.data, [1, 1])


def test_a_computed_value_is_a_plain_tensor():
    assert type(nn.Parameter([1.0]) * 2) is ad.Tensor


def test_a_parameter_of_integers_is_refused():
    with pytest.raises(TypeError, match="only floats have gradients"):
        nn.Parameter([1, 2])


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize(
    "clone", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_a_copied_parameter_keeps_class_dtype_and_freedom(clone, frozen):
    parameter = nn.Parameter(np.ones(2, np.float32)).requires_grad_(not frozen)
    twin = clone(parameter)
    assert type(twin) is nn.Parameter
    assert twin.dtype == np.float32
    assert twin.requires_grad is not frozen


# --- walking attributes ---------------------------------------------------------------------------


def test_names_are_paths_as_they_would_be_written():
    model = Scaled()
    names = dict(model.named_parameters())
    assert list(names) == [
        "scale",
        "pair[0]",
        "blocks['in'].weight",
        "blocks['in'].bias",
        "blocks['out'][0].weight",
        "blocks['out'][0].bias",
    ]
    for name, parameter in names.items():
        assert eval(f"model.{name}") is parameter


def test_tensors_that_are_no_parameters_are_buffers():
    assert [name for name, _ in Scaled().named_buffers()] == ["mean"]


def test_a_shared_parameter_appears_once_under_its_first_name():
    names = [name for name, _ in Tied().named_parameters()]
    assert names == ["first.weight", "first.bias", "second.bias"]


def test_modules_yields_each_module_once_also_in_a_cycle():
    model = Tied()
    model.first.parent = model
    assert [name for name, _ in model.named_modules()] == ["", "first", "second"]


def test_a_leaf_that_requires_a_gradient_but_is_no_parameter_is_refused():
    model = Scaled()
    model.slope = ad.tensor(1.0, requires_grad=True)
    with pytest.raises(TypeError, match=r"Scaled\.slope requires a gradient but is no parameter"):
        list(model.parameters())


def test_a_computed_value_in_an_attribute_is_no_state():
    model = Scaled()
    before = model.state_dict().keys()
    model.last = model(np.ones((1, 2)))
    assert model.state_dict().keys() == before


def test_a_module_without_forward_says_so():
    with pytest.raises(NotImplementedError, match="Module defines no forward"):
        nn.Module()(1.0)


# --- modes, freezing, gradients -------------------------------------------------------------------


def test_train_and_eval_reach_every_module():
    model = Scaled()
    assert model.training
    assert model.eval() is model
    assert [module.training for module in model.modules()] == [False] * 3
    model.train()
    assert all(module.training for module in model.modules())
    assert nn.Module.training is True


def test_a_frozen_module_gets_no_gradient_and_thaws_again():
    model = nn.MLP(2, 3, 2, rng=0)
    model.layers[0].requires_grad_(False)
    model(np.ones((1, 2))).sum().backward()
    assert model.layers[0].weight.grad is None
    assert model.layers[2].weight.grad is not None
    assert len(list(model.parameters())) == 4
    model.requires_grad_()
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_zero_grad_forgets_the_gradients():
    model = nn.MLP(2, 3, 2, rng=0)
    model(np.ones((1, 2))).sum().backward()
    model.layers[0].bias.requires_grad_(False)
    model.zero_grad()
    assert all(parameter.grad is None for parameter in model.parameters())


# --- state ----------------------------------------------------------------------------------------


def test_state_dict_round_trip_restores_parameters_and_buffers():
    model, other = Scaled(), Scaled()
    for _, item in [*other.named_parameters(), *other.named_buffers()]:
        item.data = item.data + 1.0
    other.load_state_dict(model.state_dict())
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(other.state_dict()[name], array)


def test_state_dict_and_load_share_no_memory_with_the_model():
    model = nn.Linear(2, 2, rng=0)
    state = model.state_dict()
    first = state["weight"].copy()
    state["weight"][:] = 7
    np.testing.assert_array_equal(model.weight.data, first)
    model.load_state_dict(state)
    state["weight"][:] = 8
    np.testing.assert_array_equal(model.weight.data, np.full((2, 2), 7))


def test_load_keeps_the_dtype_of_the_module():
    model = nn.Linear(2, 2, rng=0, dtype=np.float32)
    model.load_state_dict(nn.Linear(2, 2, rng=1).state_dict())
    assert model.weight.dtype == np.float32


def test_a_state_that_does_not_fit_is_refused_with_every_reason_and_changes_nothing():
    model = nn.MLP(2, 3, 2, rng=0)
    before = model.state_dict()
    state = nn.MLP(2, 3, 2, rng=1).state_dict()
    state["layers[2].weight"] = np.zeros((3, 5))
    state["layers[2].bias"] = np.zeros(2, int)
    del state["layers[0].bias"]
    state["layers[9].bias"] = np.zeros(4)
    with pytest.raises(ValueError, match="nothing was loaded") as caught:
        model.load_state_dict(state)
    message = str(caught.value)
    assert "missing: layers[0].bias, shape (3,)" in message
    assert "unexpected: layers[9].bias, shape (4,)" in message
    assert "shape of layers[2].weight: expected (3, 2), got (3, 5)" in message
    assert "dtype of layers[2].bias: expected float64, got int64" in message
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copied_module_computes_the_same_and_shares_nothing(clone):
    model = Tied().eval()
    twin = clone(model)
    x = np.ones((3, 2))
    np.testing.assert_array_equal(twin(x).data, model(x).data)
    assert twin.first.weight is twin.second.weight
    assert twin.first.weight is not model.first.weight
    assert type(twin.first.weight) is nn.Parameter
    assert not twin.first.training
    twin.first.weight.data = twin.first.weight.data + 1
    assert not np.array_equal(twin(x).data, model(x).data)


def test_repr_draws_the_tree_with_sizes():
    model = nn.Sequential(nn.MLP(2, 3, 2), nn.Softmax(), nn.Linear(2, 1, bias=False))
    assert repr(model) == (
        "Sequential(  # 19 parameters\n"
        "  layers[0]: MLP(  # 17 parameters\n"
        "    layers[0]: Linear(2, 3)\n"
        "    layers[1]: Sigmoid()\n"
        "    layers[2]: Linear(3, 2)\n"
        "  )\n"
        "  layers[1]: Softmax(axis=-1)\n"
        "  layers[2]: Linear(2, 1, bias=False)\n"
        ")"
    )


def test_repr_of_a_users_module_shows_its_own_tensors():
    assert repr(Scaled()).splitlines()[1] == "  scale: (2,), pair[0]: (), mean: (2,)"


# --- initialisation -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("draw", "variance"),
    [
        (initialise.glorot_uniform, 2 / (200 + 300)),
        (initialise.he_normal, 2 / 200),
        (initialise.he_uniform, 2 / 200),
    ],
)
def test_initial_weights_have_the_variance_of_their_paper(draw, variance):
    weights = draw((200, 300), np.random.default_rng(0))
    assert weights.shape == (200, 300)
    assert abs(weights.mean()) < 0.01 * np.sqrt(variance) * 10
    np.testing.assert_allclose(weights.var(), variance, rtol=0.02)


def test_uniform_weights_stay_within_their_bound():
    generator = np.random.default_rng(0)
    assert np.abs(initialise.glorot_uniform((20, 30), generator)).max() <= np.sqrt(6 / 50)
    assert np.abs(initialise.he_uniform((20, 30), generator)).max() <= np.sqrt(6 / 20)


def test_a_generator_is_used_and_not_copied():
    generator = np.random.default_rng(0)
    assert initialise.as_generator(generator) is generator


@pytest.mark.parametrize("rng", [1.5, "0", True, np.random.RandomState(0)])
def test_an_rng_of_another_type_is_refused(rng):
    with pytest.raises(TypeError, match="expected an int seed"):
        nn.Linear(2, 2, rng=rng)


def test_the_same_seed_gives_the_same_network_and_float32_its_rounding():
    one, two = nn.MLP(2, 4, 2, rng=3), nn.MLP(2, 4, 2, rng=3, dtype=np.float32)
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        np.testing.assert_array_equal(a.data.astype(np.float32), b.data)


def test_no_global_random_state_is_touched():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    nn.MLP(2, 4, 2, rng=None)(np.ones((1, 2)))
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


# --- layers ---------------------------------------------------------------------------------------


def test_linear_is_x_times_weight_plus_bias():
    layer = nn.Linear(2, 3, rng=0)
    layer.bias.data = np.array([1.0, 2.0, 3.0])
    x = np.arange(8.0).reshape(2, 2, 2)
    assert layer.weight.shape == (2, 3)
    np.testing.assert_array_equal(layer(x).data, x @ layer.weight.data + [1, 2, 3])


def test_linear_starts_with_a_bias_of_zero():
    np.testing.assert_array_equal(nn.Linear(2, 3).bias.data, [0, 0, 0])


def test_linear_without_bias_has_none():
    layer = nn.Linear(2, 3, bias=False)
    assert layer.bias is None
    assert [name for name, _ in layer.named_parameters()] == ["weight"]
    np.testing.assert_array_equal(layer(np.zeros((1, 2))).data, np.zeros((1, 3)))


def test_linear_takes_one_row_and_lists():
    layer = nn.Linear(2, 3, rng=0)
    np.testing.assert_array_equal(layer([1.0, 0.0]).data, layer.weight.data[0])


@pytest.mark.parametrize("shape", [(5, 3), (3,), ()])
def test_linear_refuses_another_number_of_features_naming_both_shapes(shape):
    with pytest.raises(ad.ShapeError) as caught:
        nn.Linear(2, 4)(np.zeros(shape))
    assert f"input of shape {shape}" in str(caught.value)
    assert "(2, 4)" in str(caught.value)


@pytest.mark.parametrize("size", [0, -1, 2.0, True, "2"])
def test_sizes_that_are_no_positive_integers_are_refused(size):
    with pytest.raises(ValueError, match="positive integer"):
        nn.Linear(size, 2)
    with pytest.raises(ValueError, match="positive integer"):
        nn.MLP(2, size)


def test_linear_refuses_weights_of_another_shape():
    with pytest.raises(ad.ShapeError, match=r"returned shape \(3, 2\), expected \(2, 3\)"):
        nn.Linear(2, 3, initialise=lambda shape, rng: np.zeros(shape[::-1]))


def test_gradients_of_a_network_match_numerical_differences():
    model = nn.MLP(2, 3, 2, activation="tanh", rng=0)
    x, y = np.random.default_rng(0).normal(size=(4, 2)), np.array([0, 1, 1, 0])
    functional.cross_entropy(model(x), y).backward()
    for parameter in model.parameters():
        first, numerical = parameter.data, np.zeros(parameter.shape)
        for i in np.ndindex(parameter.shape):
            losses = []
            for h in (1e-6, -1e-6):
                parameter.data = first.copy()
                parameter.data[i] += h
                losses.append(functional.cross_entropy(model(x), y).item())
            numerical[i] = (losses[0] - losses[1]) / 2e-6
        parameter.data = first
        np.testing.assert_allclose(parameter.grad.data, numerical, atol=1e-9)


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (nn.Sigmoid(), [1 / (1 + np.e), 0.5, np.e / (1 + np.e)]),
        (nn.Tanh(), np.tanh([-1, 0, 1])),
        (nn.ReLU(), [0, 0, 1]),
        (nn.Softmax(), np.exp([-1, 0, 1]) / np.exp([-1, 0, 1]).sum()),
    ],
)
def test_activations_compute_their_function(module, expected):
    np.testing.assert_allclose(module(ad.tensor([-1.0, 0.0, 1.0])).data, expected, rtol=1e-14)
    assert list(module.parameters()) == []


def test_softmax_sums_to_one_along_its_axis():
    x = np.random.default_rng(0).normal(size=(3, 4)) * 1000
    np.testing.assert_allclose(nn.Softmax(axis=0)(x).sum(axis=0), 1)
    np.testing.assert_allclose(nn.Softmax()(x).sum(axis=1), 1)


# --- containers -----------------------------------------------------------------------------------


def test_sequential_applies_its_modules_in_order():
    parts = [nn.Linear(2, 3, rng=0), nn.Tanh(), np.exp]
    for model in (nn.Sequential(*parts), nn.Sequential(parts)):
        x = np.ones((1, 2))
        np.testing.assert_array_equal(model(x).data, np.exp(np.tanh(parts[0](x).data)))
        assert len(model) == 3
        assert list(model) == parts
        assert model[1] is parts[1]
        assert list(model[:2].parameters()) == [parts[0].weight, parts[0].bias]


@pytest.mark.parametrize("wrong", ["tanh", nn.Tanh, None])
def test_sequential_refuses_what_is_no_module(wrong):
    with pytest.raises(TypeError, match="at position 1"):
        nn.Sequential(nn.Linear(2, 2), wrong)


def test_mlp_has_linear_layers_with_activations_between():
    model = nn.MLP(2, 4, 3, 2, activation="relu")
    assert [type(layer) for layer in model.layers] == [
        nn.Linear,
        nn.ReLU,
        nn.Linear,
        nn.ReLU,
        nn.Linear,
    ]
    assert [name for name, _ in model.named_parameters()][:2] == [
        "layers[0].weight",
        "layers[0].bias",
    ]


def test_mlp_takes_its_first_weights_by_activation():
    # He's normal weights go beyond any bound that Glorot's keep.
    glorot = np.sqrt(6 / 400)
    for name, bounded in (("sigmoid", True), ("tanh", True), ("relu", False)):
        weight = nn.MLP(200, 200, activation=name, rng=0).layers[0].weight.data
        assert (np.abs(weight).max() <= glorot) is np.bool_(bounded)


def test_mlp_needs_two_sizes_and_a_known_activation():
    with pytest.raises(ValueError, match="at least two sizes"):
        nn.MLP(2)
    with pytest.raises(ValueError, match=r"'sine'; choose one of elu, .*, relu, .*, tanh"):
        nn.MLP(2, 2, activation="sine")


def test_probabilities_are_plain_rows_that_sum_to_one():
    model = nn.MLP(2, 4, 3, rng=0)
    X = np.random.default_rng(0).normal(size=(7, 2)) * 100
    probabilities = model.predict_proba(X)
    assert type(probabilities) is np.ndarray
    assert probabilities.shape == (7, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-14)
    np.testing.assert_array_equal(model.predict(X), probabilities.argmax(axis=1))
    assert all(parameter.grad is None for parameter in model.parameters())


def test_predictions_record_no_graph():
    class Watching(nn.MLP):
        def forward(self, x):
            assert not ad.is_recording()
            return super().forward(x)

    model = Watching(2, 4, 2, rng=0)
    model.predict(np.ones((1, 2)))
    model.predict_proba(np.ones((1, 2)))
    assert ad.is_recording()


def test_predictions_of_a_float32_network_are_float32():
    model = nn.MLP(2, 4, 2, rng=0, dtype=np.float32)
    assert model.predict_proba(np.ones((1, 2))).dtype == np.float32


def test_a_network_with_one_output_has_no_classes():
    with pytest.raises(ValueError, match="no classes"):
        nn.MLP(2, 4, 1).predict(np.ones((1, 2)))


# --- losses ---------------------------------------------------------------------------------------

LOGITS = np.random.default_rng(1).normal(size=(4, 3))
LABELS = np.array([0, 2, 1, 2])


def expected_cross_entropy(logits, probabilities):
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    return -(probabilities * np.log(p)).sum(-1).mean()


def test_cross_entropy_is_the_mean_of_minus_log_probability():
    expected = expected_cross_entropy(LOGITS, np.eye(3)[LABELS])
    for targets in (LABELS, LABELS.tolist(), ad.tensor(LABELS), LABELS.astype(np.uint8)):
        loss = functional.cross_entropy(ad.tensor(LOGITS), targets)
        np.testing.assert_allclose(loss.item(), expected, rtol=1e-14)


def test_cross_entropy_gradient_is_softmax_minus_target_over_rows():
    logits = ad.tensor(LOGITS, requires_grad=True)
    p = np.exp(LOGITS) / np.exp(LOGITS).sum(-1, keepdims=True)
    functional.cross_entropy(logits, LABELS).backward()
    np.testing.assert_allclose(logits.grad.data, (p - np.eye(3)[LABELS]) / 4, atol=1e-15)


def test_cross_entropy_takes_probabilities():
    t = np.random.default_rng(2).dirichlet([1, 1, 1], size=4)
    logits = ad.tensor(LOGITS, requires_grad=True)
    loss = functional.cross_entropy(logits, t)
    np.testing.assert_allclose(loss.item(), expected_cross_entropy(LOGITS, t), rtol=1e-13)
    loss.backward()
    p = np.exp(LOGITS) / np.exp(LOGITS).sum(-1, keepdims=True)
    np.testing.assert_allclose(logits.grad.data, (p - t) / 4, atol=1e-15)


def test_cross_entropy_takes_integer_one_hot_rows_as_probabilities():
    one_hot = np.eye(3, dtype=int)[LABELS]
    loss = functional.cross_entropy(LOGITS, one_hot)
    np.testing.assert_allclose(loss, functional.cross_entropy(LOGITS, LABELS), rtol=1e-14)


def test_cross_entropy_takes_booleans_as_two_classes():
    logits, labels = LOGITS[:, :2], LABELS > 1
    loss = functional.cross_entropy(logits, labels)
    np.testing.assert_allclose(loss, functional.cross_entropy(logits, labels.astype(int)))


def test_cross_entropy_takes_more_axes():
    deep = np.stack([LOGITS, LOGITS + 1])
    loss = functional.cross_entropy(deep, np.stack([LABELS, LABELS]))
    np.testing.assert_allclose(loss, functional.cross_entropy(LOGITS, LABELS), rtol=1e-13)
    assert functional.cross_entropy(LOGITS[0], 1).shape == ()


def test_cross_entropy_is_finite_for_huge_logits():
    loss = functional.cross_entropy(np.array([[1e4, -1e4]]), [1])
    assert float(loss) == 2e4


@pytest.mark.parametrize(("label", "labels"), [(3, [0, 3, 1, 2]), (-1, [0, 2, 2, -1])])
def test_cross_entropy_names_a_label_out_of_range(label, labels):
    with pytest.raises(ValueError, match=rf"label {label} .*is not in range\(3\)"):
        functional.cross_entropy(ad.tensor(LOGITS), labels)
    with pytest.raises(ValueError, match=rf"label {label} .*is not in range\(3\)"):
        functional.cross_entropy(ad.tensor(LOGITS), ad.tensor(labels))


def test_cross_entropy_refuses_float_labels_with_advice():
    with pytest.raises(TypeError, match=r"got dtype float64.*y\.astype\(int\)"):
        functional.cross_entropy(LOGITS, LABELS.astype(float))


def test_cross_entropy_refuses_targets_of_another_shape():
    with pytest.raises(ad.ShapeError, match=r"\(4, 1\) do not fit logits of shape \(4, 3\)"):
        functional.cross_entropy(LOGITS, LABELS[:, None])
    with pytest.raises(ad.ShapeError, match="no axis of classes"):
        functional.cross_entropy(np.array(1.0), 0)


@pytest.mark.parametrize("row", [[0.5, 0.2, 0.1], [1.5, -0.5, 0.0], [np.nan, 0.5, 0.5]])
def test_cross_entropy_refuses_rows_that_are_no_probabilities(row):
    targets = np.full((4, 3), 1 / 3)
    targets[2] = row
    with pytest.raises(ValueError, match=r"probabilities.*at \(2,\)"):
        functional.cross_entropy(LOGITS, targets)


def test_losses_of_an_empty_batch_are_refused():
    with pytest.raises(ValueError, match="no entries to average"):
        functional.cross_entropy(np.zeros((0, 3)), np.zeros(0, int))
    with pytest.raises(ValueError, match="no entries to average"):
        functional.mse_loss(np.zeros(0), np.zeros(0))


def test_mse_loss_is_the_mean_of_squares_with_its_gradient():
    prediction = ad.tensor([[1.0, 2.0]], requires_grad=True)
    loss = functional.mse_loss(prediction, np.array([[0.0, 4.0]]))
    loss.backward()
    assert loss.item() == 2.5
    np.testing.assert_array_equal(prediction.grad.data, [[1, -2]])


def test_mse_loss_refuses_shapes_that_would_broadcast():
    with pytest.raises(ad.ShapeError, match=r"\(5, 1\) and target of shape \(5,\)"):
        functional.mse_loss(np.zeros((5, 1)), np.zeros(5))


def test_losses_of_float32_are_float32():
    logits = ad.tensor(LOGITS.astype(np.float32), requires_grad=True)
    for loss in (
        functional.cross_entropy(logits, LABELS),
        functional.mse_loss(logits, LOGITS.astype(np.float32)),
    ):
        assert loss.dtype == np.float32


def test_a_network_and_its_loss_can_be_traced():
    model = nn.MLP(2, 4, 3, rng=0)
    x = np.random.default_rng(0).normal(size=(4, 2))

    def loss(x, y):
        return functional.cross_entropy(model(x), y)

    value = trace(loss, x, LABELS)(x, LABELS)
    np.testing.assert_allclose(value, loss(x, LABELS).item(), rtol=1e-14)


@pytest.mark.parametrize(
    ("loss", "targets"),
    [
        (functional.cross_entropy, LABELS),
        (functional.cross_entropy, LABELS > 1),
        (functional.cross_entropy, np.full((4, 3), 1 / 3)),
        (functional.mse_loss, 2 * LOGITS),
    ],
)
def test_losses_of_symbols_pass_without_looking_at_numbers(loss, targets):
    value = trace(loss, LOGITS, targets)(LOGITS, targets)
    np.testing.assert_allclose(value, loss(LOGITS, targets), rtol=1e-14)


def test_dropout_shows_its_share():
    assert repr(nn.Dropout(0.25)) == "Dropout(p=0.25)"
