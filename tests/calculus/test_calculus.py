"""Derivatives of functions: nested, by several arguments, of trees."""

import numpy as np
import pytest

import adjoint as ad
from adjoint.core.tree import leaves


def test_grad_has_the_arguments_shape_and_dtype():
    x = np.arange(6.0, dtype=np.float32).reshape(2, 3)
    gradient = ad.grad(lambda v: np.sum(v**2))(x)
    assert type(gradient) is np.ndarray
    assert gradient.dtype == np.float32
    np.testing.assert_allclose(gradient, 2 * x)


def test_derivatives_of_any_order_nest():
    fourth = ad.grad(ad.grad(ad.grad(ad.grad(np.sin))))
    np.testing.assert_allclose(fourth(0.7), np.sin(0.7), rtol=1e-14)


def test_inner_and_outer_variables_are_not_confused():
    assert ad.grad(lambda x: x * ad.grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert ad.grad(lambda x: x * ad.grad(lambda y: x * y)(1.0))(3.0) == 6.0
    outer = ad.jvp(lambda x: x * ad.jvp(lambda y: x * y, (2.0,), (1.0,))[1], (3.0,), (1.0,))
    assert outer == (9.0, 6.0)


def test_forward_over_reverse_equals_reverse_over_forward():
    x, t = np.array([0.3, -0.2, 0.5]), np.array([1.0, 2.0, -1.0])

    def f(v):
        return np.sum(np.tanh(v) * np.exp(v[::-1]))

    forward = ad.jvp(ad.grad(f), (x,), (t,))[1]
    reverse = ad.grad(lambda v: ad.jvp(f, (v,), (t,))[1])(x)
    np.testing.assert_allclose(forward, reverse, rtol=1e-13)


def test_value_and_grad_by_several_arguments_and_with_aux():
    value, (gx, gy) = ad.value_and_grad(lambda x, y: x * y**2, (0, 1))(2.0, 3.0)
    assert (value, gx, gy) == (18.0, 9.0, 12.0)
    (value, aux), slope = ad.value_and_grad(lambda x: (x * x, x + 1), has_aux=True)(3.0)
    assert (value, aux, slope) == (9.0, 4.0, 6.0)
    assert ad.grad(lambda x: (x * x, "note"), has_aux=True)(3.0) == (6.0, "note")


def test_trees_in_trees_out():
    params = {"w": np.ones(2), "rest": [np.array(3.0), (np.array(2.0),)]}
    g = ad.grad(lambda p: np.sum(p["w"]) * p["rest"][0] * p["rest"][1][0])(params)
    assert g["w"].tolist() == [6.0, 6.0]
    assert g["rest"][0] == 4.0
    assert g["rest"][1] == (6.0,)


def test_an_argument_that_does_not_matter_has_zero_gradient():
    gx, gy = ad.grad(lambda x, y: np.sum(x), (0, 1))(np.ones(2), np.ones((3, 1)))
    assert gx.tolist() == [1, 1]
    np.testing.assert_array_equal(gy, np.zeros((3, 1)))
    assert ad.grad(lambda x: 1.0)(2.0) == 0.0


def test_python_integers_are_numbers_and_integer_arrays_are_refused():
    assert ad.grad(lambda x: x**2)(3) == 6.0
    with pytest.raises(TypeError, match="argument 0 has dtype int64: only floats"):
        ad.grad(np.sum)(np.arange(3))


def test_grad_of_many_numbers_is_refused_with_advice():
    with pytest.raises(ad.ShapeError, match=r"shape \(2,\).*sum it"):
        ad.grad(np.exp)(np.ones(2))
    with pytest.raises(TypeError, match="returned str, not a number"):
        ad.grad(lambda x: "no")(1.0)
    with pytest.raises(ValueError, match="argument 2 of a call with 1"):
        ad.grad(np.exp, 2)(1.0)


def test_vjp_pulls_back_any_number_of_times():
    value, pull = ad.vjp(lambda x, y: (x * y, np.sum(x)), np.array([1.0, 2.0]), 3.0)
    assert value[0].tolist() == [3.0, 6.0]
    gx, gy = pull((np.array([1.0, 0.0]), 1.0))
    assert gx.tolist() == [4.0, 1.0]
    assert gy == 1.0
    assert pull((np.array([0.0, 1.0]), 0.0))[1] == 2.0
    with pytest.raises(
        ad.ShapeError, match=r"cotangent of shape \(3,\) for a value of shape \(2,\)"
    ):
        pull((np.ones(3), 1.0))


def test_linearize_pushes_forward_any_number_of_times():
    value, push = ad.linearize(lambda x: np.array([[1.0, 2.0], [3.0, 4.0]]) @ x, np.ones(2))
    assert value.tolist() == [3.0, 7.0]
    assert push(np.array([1.0, 0.0])).tolist() == [1.0, 3.0]
    assert push(np.array([0.0, 1.0])).tolist() == [2.0, 4.0]
    with pytest.raises(ValueError, match="1 primals but 2 tangents"):
        ad.jvp(np.exp, (1.0,), (1.0, 1.0))


def test_a_closed_over_parameter_keeps_its_graph():
    w = ad.tensor(2.0, requires_grad=True)
    slope = ad.grad(lambda x: w * x**2)(3.0)
    slope.backward()  # d(2wx)/dw
    assert (slope.item(), w.grad.item()) == (12.0, 6.0)
    with ad.no_grad():
        assert ad.grad(lambda x: w * x**2)(3.0) == 12.0


def test_stop_gradient_is_a_constant():
    assert ad.grad(lambda x: x * ad.stop_gradient(x))(3.0) == 3.0


def test_a_gradient_can_be_traced():
    graph = ad.graph.trace(ad.grad(lambda x: np.sum(np.tanh(x) ** 2)), np.ones(3))
    x = np.array([0.1, -0.4, 2.0])
    got = graph(x)
    np.testing.assert_allclose(got, 2 * np.tanh(x) * (1 - np.tanh(x) ** 2), rtol=1e-14)


def test_jacobian_has_the_results_axes_before_the_arguments():
    w = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    for mode in ("auto", "forward", "reverse"):
        j = ad.jacobian(lambda x: w @ x, mode=mode)(np.ones((3, 2)))
        assert j.shape == (2, 2, 3, 2)
        np.testing.assert_array_equal(j, np.einsum("ik,jl->ijkl", w, np.eye(2)))


def test_jacobian_of_trees():
    def f(p, y):
        return {"a": p["u"] * y, "b": np.sum(p["u"]) * p["v"][0]}

    p = {"u": np.array([1.0, 2.0]), "v": [np.array(3.0)]}
    by_p, by_y = ad.jacobian(f, (0, 1))(p, np.array([5.0, 7.0]))["a"]
    np.testing.assert_array_equal(by_p["u"], np.diag([5.0, 7.0]))
    np.testing.assert_array_equal(by_p["v"][0], np.zeros(2))
    np.testing.assert_array_equal(by_y, np.diag([1.0, 2.0]))


def test_jacobian_records_the_function_once():
    runs = []
    ad.jacobian(lambda x: runs.append(1) or np.tanh(x))(np.ones(7))
    assert len(runs) == 1


def test_jacobian_takes_the_cheaper_mode():
    """Three results of a hundred numbers: three sweeps, seen in the nodes of a nested call."""
    x = np.linspace(0, 1, 100)
    w = np.random.default_rng(0).standard_normal((3, 100))
    np.testing.assert_allclose(ad.jacobian(lambda v: np.tanh(w @ v))(x).shape, (3, 100))
    with pytest.raises(ValueError, match="unknown mode 'both'"):
        ad.jacobian(np.tanh, mode="both")


def test_jacobian_of_empty_and_unrelated_results():
    assert ad.jacobian(lambda x: x[:0])(np.ones(3)).shape == (0, 3)
    assert ad.jacobian(lambda x: x * 1)(np.ones(0)).shape == (0, 0)
    np.testing.assert_array_equal(ad.jacobian(lambda x: np.ones(2))(np.ones(3)), np.zeros((2, 3)))


def test_hessian_and_hvp_agree_with_the_closed_form():
    a = np.array([[2.0, 1.0, 0.0], [1.0, 3.0, 0.5], [0.0, 0.5, 1.0]])

    def f(x):
        return 0.5 * x @ a @ x + np.sum(x**4)

    x, v = np.array([0.5, -1.0, 2.0]), np.array([1.0, 2.0, 3.0])
    exact = a + np.diag(12 * x**2)
    np.testing.assert_allclose(ad.hessian(f)(x), exact, rtol=1e-13)
    np.testing.assert_allclose(ad.hvp(f)(x, v), exact @ v, rtol=1e-13)


def test_third_derivatives_through_hessians():
    third = ad.jacobian(ad.hessian(lambda x: np.sum(x**3 * x[::-1])))(np.array([1.0, 2.0]))
    assert third.shape == (2, 2, 2)
    np.testing.assert_allclose(third, third.transpose(2, 1, 0), rtol=1e-13)
    # f = x³y + y³x: f_xxx = 6y, f_xxy = 6x
    np.testing.assert_allclose([third[0, 0, 0], third[0, 0, 1]], [12.0, 6.0], rtol=1e-13)


def test_value_and_grad_and_hvp_serve_scipys_minimisers():
    optimize = pytest.importorskip("scipy.optimize")

    def rosenbrock(x):
        return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    start = np.zeros(4)
    found = optimize.minimize(
        ad.value_and_grad(rosenbrock), start, jac=True, hessp=ad.hvp(rosenbrock), method="trust-ncg"
    )
    np.testing.assert_allclose(found.x, np.ones(4), atol=1e-6)


DERIVATIVES = [ad.grad, ad.value_and_grad, ad.jacobian, ad.hessian]


@pytest.mark.parametrize("derivative", DERIVATIVES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("chosen", [1, -1, (0, 1), [1]], ids=str)
def test_wrt_means_what_argnums_means(derivative, chosen):
    def f(x, y):
        return np.sum(x**2 * y**3)

    x, y = np.array([1.0, 2.0]), np.array([3.0, -1.0])
    found, expected = derivative(f, wrt=chosen)(x, y), derivative(f, argnums=chosen)(x, y)
    for left, right in zip(leaves(found), leaves(expected), strict=True):
        np.testing.assert_array_equal(left, right)
    assert type(found) is type(expected)


@pytest.mark.parametrize("derivative", DERIVATIVES, ids=lambda f: f.__name__)
def test_the_number_of_an_argument_may_be_numpys(derivative):
    x, y = np.array(2.0), np.array(3.0)
    found = derivative(np.multiply, wrt=np.int64(1))(x, y)
    np.testing.assert_array_equal(found, derivative(np.multiply, wrt=1)(x, y))


@pytest.mark.parametrize("derivative", DERIVATIVES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("chosen", ["y", ("x", "y"), 1.0, slice(0, 1)], ids=str)
def test_what_is_no_number_of_an_argument_is_refused(derivative, chosen):
    with pytest.raises(TypeError, match="wrt: expected the number of an argument, from 0"):
        derivative(np.multiply, wrt=chosen)(2.0, 3.0)


@pytest.mark.parametrize("mode", ["forward", "reverse", "auto"])
def test_by_no_argument_a_jacobian_is_empty(mode):
    assert ad.jacobian(np.multiply, wrt=(), mode=mode)(np.ones(2), np.ones(2)) == ()


@pytest.mark.parametrize("derivative", DERIVATIVES, ids=lambda f: f.__name__)
def test_both_names_for_the_arguments_at_once_are_refused(derivative):
    with pytest.raises(TypeError, match="argnums=0 and wrt=1 are two names for one argument"):
        derivative(np.multiply, 0, wrt=1)


@pytest.mark.parametrize("derivative", DERIVATIVES, ids=lambda f: f.__name__)
def test_an_argument_that_there_is_not_is_named_under_the_name_that_was_used(derivative):
    with pytest.raises(ValueError, match="wrt names argument 2 of a call with 2 arguments"):
        derivative(np.multiply, wrt=2)(1.0, 2.0)
    with pytest.raises(ValueError, match="argnums names argument 2 of a call with 2 arguments"):
        derivative(np.multiply, 2)(1.0, 2.0)


@pytest.mark.parametrize("mode", ["forward", "reverse"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [0, 1, 23, 24, 130, 257])
def test_a_jacobian_of_many_entries_equals_one_sweep_for_each(mode, dtype, size):
    x = np.linspace(-1, 1, size, dtype=dtype)

    def f(x):
        return np.tanh(x)[::-1] * x.sum(), x[:1]

    found = ad.jacobian(f, mode=mode)(x)
    y = np.tanh(x)
    expected = np.diag(1 - y * y)[::-1] * x.sum() + y[::-1, None]
    assert found[0].dtype == dtype
    # Rows are added up in a block, in another order.
    np.testing.assert_allclose(found[0], expected, atol=1e-4 if dtype == np.float32 else 1e-12)
    np.testing.assert_array_equal(found[1], np.eye(1, size)[: len(x[:1])])


def test_a_rule_of_the_users_own_gets_numbers_in_a_jacobian_of_many_entries():
    def rule(g, y, x):
        return (np.array([2 * float(entry) * v for entry, v in zip(g, x, strict=True)]),)

    @ad.custom_vjp(rule)
    def square(x):
        return x * x

    x = np.arange(40.0)
    np.testing.assert_array_equal(ad.jacobian(square, mode="reverse")(x), np.diag(2 * x))


def test_a_compiled_jacobian_does_not_grow_with_the_number_of_rows():
    def operations(size):
        jacobian = ad.jacobian(lambda x: np.tanh(x) * x.sum(), mode="reverse")
        return len(ad.trace(jacobian, np.ones(size)).nodes)

    assert operations(100) == operations(50)


def test_tangents_are_read_by_the_keys_of_their_dicts_and_not_by_their_order():
    def f(p):
        return 2 * p["a"] + 30 * p["a"] * p["b"]

    point, direction = {"a": 1.0, "b": 2.0}, {"b": 0.0, "a": 1.0}
    assert ad.jvp(f, (point,), (direction,)) == (62, 62)
    assert ad.linearize(f, point)[1](direction) == 62
    assert ad.hvp(f)(point, direction) == {"a": 0, "b": 30}


@pytest.mark.parametrize(
    "given", [np.array([1j, 2]), np.array([None, 1]), np.array(["2020", "2021"], "M8[Y]")]
)
def test_cotangents_and_tangents_are_of_real_numbers(given):
    x = np.ones(2)
    with pytest.raises(TypeError, match="cotangent: got dtype"):
        ad.vjp(np.sin, x)[1](given)
    for push in (lambda: ad.jvp(np.sin, (x,), (given,)), lambda: ad.linearize(np.sin, x)[1](given)):
        with pytest.raises(TypeError, match="tangent: got dtype"):
            push()
