"""The walks over recorded nodes, and the nodes that they go through."""

import weakref

import numpy as np
import pytest
from adjoint.graph import trace

import adjoint as ad
from adjoint.core import Node, Operation
from adjoint.graphs.sweep import interpret, leading_to, pull_back, reachable
from adjoint.graphs.tensor import Tensor


def nodes_of(value):
    return reachable([value.node])


def test_a_leaf_is_a_plain_node_and_a_result_an_operation():
    x = ad.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2.0
    assert type(x.node) is Node
    assert isinstance(y.node, Operation)
    assert (x.node.primitive, x.node.args, x.node.parents, dict(x.node.params)) == (
        None,
        (),
        (),
        {},
    )
    assert y.node.primitive.name == "multiply"


def test_an_operation_has_metadata_even_if_there_are_none():
    graph = trace(lambda x: ad.tanh(x).sum(axis=0), np.ones((2, 3)))
    assert [dict(node.params) for node in graph.nodes] == [{}, {"axis": 0, "keepdims": False}]


def test_operands_are_the_values_of_parents_and_constants():
    x = ad.tensor(3.0, requires_grad=True)
    node = (x * 2.0).node
    assert node.operands({x.node: "x"}) == ["x", 2.0]
    assert node.operands({x.node: "x"}, repr) == ["x", "2.0"]


def test_a_graph_is_interpreted_in_whatever_apply_gives():
    graph = trace(lambda x, y: ad.exp(x * y) + 1.0, 1.0, 2.0)

    def write(node, operands):
        return f"{node.primitive.name}({', '.join(operands)})"

    texts = graph.interpret(["x", "y"], write, constant=str)
    assert graph.ends(texts) == ["add(exp(multiply(x, y)), 1.0)"]


def test_a_recorded_graph_can_be_run_again():
    x = ad.tensor(2.0, requires_grad=True)
    y = ad.exp(x) * x
    operations = [node for node in nodes_of(y) if isinstance(node, Operation)]
    values = interpret(operations, {x.node: 3.0}, Operation.apply)
    np.testing.assert_allclose(values[y.node], np.exp(3.0) * 3.0, rtol=1e-15)


def test_a_rule_of_the_callers_stands_for_that_of_the_primitive():
    x = ad.tensor(2.0, requires_grad=True)
    y = ad.exp(x) * x

    def doubled_through_exp(node, g, targets):
        parts = node.primitive.vjp(g, node.output, node.args, node.params, targets)
        return [2 * part for part in parts] if node.primitive is ad.exp else parts

    found = pull_back({y.node: np.array(1.0)}, rule=doubled_through_exp)
    np.testing.assert_allclose(found[x.node], np.exp(2.0) * (2 * 2.0 + 1), rtol=1e-15)


def test_what_a_rule_gives_takes_the_operands_shape_and_dtype():
    x = ad.tensor(np.ones(3, np.float32), requires_grad=True)
    y = x * np.ones((2, 3))
    found = pull_back({y.node: np.ones((2, 3))}, rule=lambda node, g, targets: [g, None])
    np.testing.assert_array_equal(found[x.node], np.full(3, 2, np.float32), strict=True)


@pytest.mark.parametrize("given", [1, 3])
def test_a_rule_that_gives_too_few_or_too_many_cotangents_is_refused(given):
    x = ad.tensor(2.0, requires_grad=True)
    y = x * x
    with pytest.raises(ValueError, match=rf"multiply: its rule gave {given} .* its 2 arguments"):
        pull_back({y.node: np.array(1.0)}, rule=lambda node, g, targets: [g] * given)


def test_a_cotangent_is_whole_when_its_node_is_met_however_the_paths_to_it_differ():
    x = ad.tensor(2.0, requires_grad=True)
    short = ad.exp(x)
    long = ad.sin(ad.sin(ad.sin(short)))
    z = short * long + short
    met = []
    found = pull_back({z.node: np.array(1.0)}, visit=lambda node, g: met.append(node))
    assert met == sorted(met, key=lambda node: -node.order)
    assert len(met) == len(set(met)) == 7

    def function(t):
        return np.exp(t) * np.sin(np.sin(np.sin(np.exp(t)))) + np.exp(t)

    step = 1e-6
    slope = (function(2.0 + step) - function(2.0 - step)) / (2 * step)
    np.testing.assert_allclose(found[x.node], slope, rtol=1e-7)  # the error of the differences


def test_nothing_is_swept_that_does_not_lead_to_what_is_wanted():
    x, y = (ad.tensor(value, requires_grad=True) for value in (2.0, 3.0))
    z = ad.exp(x) + ad.sin(y)
    swept = []
    found = pull_back(
        {z.node: np.array(1.0)},
        wanted=[x.node],
        inspect=lambda node, parts: swept.append(node.primitive.name) if parts is None else None,
    )
    assert swept == ["add", "exp"]
    assert found.keys() == {x.node}


def test_observers_see_a_recorded_sweep_as_any_other():
    x = ad.tensor(2.0, requires_grad=True)
    y = x * x
    met = []
    found = pull_back(
        {y.node: Tensor(np.array(1.0), None)}, lift=Tensor, visit=lambda *pair: met.append(pair)
    )
    assert [node for node, _ in met] == [y.node, x.node]
    assert found[x.node].requires_grad


def test_the_nodes_between_two_are_those_that_lead_from_one_to_the_other():
    x, y = (ad.tensor(value, requires_grad=True) for value in (2.0, 3.0))
    a, b = ad.exp(x), ad.exp(y)
    z = a * b
    assert leading_to(nodes_of(z), [x.node]) == {x.node, a.node, z.node}


def test_what_was_added_up_is_free_before_the_next_rule():
    x, given = ad.tensor(np.ones(2), requires_grad=True), []
    h = np.sin(x)
    y = h * h

    def rule(node, g, targets):
        assert all(part() is None for part in given)
        parts = [g + 1 for _ in targets]
        given.extend(map(weakref.ref, parts))
        return parts

    pull_back({y.node: np.ones(2)}, rule=rule)
    assert len(given) == 3


def test_outputs_of_which_one_leads_to_another_are_met_newest_first_and_once():
    x, met = ad.tensor(1.0, requires_grad=True), []
    a = x * 2.0
    b = a * 3.0
    seeds = {a.node: np.array(1.0), b.node: np.array(1.0)}
    pull_back(seeds, visit=lambda node, g: met.append((node, float(g))))
    assert met == [(b.node, 1.0), (a.node, 4.0), (x.node, 8.0)]
