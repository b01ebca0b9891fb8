"""`why` names the cause and the line of what is wrong with a gradient, and is silent otherwise."""

import re
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn
from adjoint.explanation.diagnosis import event_log
from adjoint.explanation.diagnosis.cuts import _RANK
from adjoint.explanation.diagnosis.diagnosis import REMEDIES
from faults.__main__ import FAULTS, RIGHT, measure


@pytest.fixture(autouse=True)
def forgotten():
    """No test sees the log of another."""
    event_log._latest.log = None
    yield
    event_log._latest.log = None


@pytest.fixture(scope="module")
def outcomes():
    return measure()


def test_there_are_at_least_sixty_faults():
    assert len(FAULTS) >= 60
    assert len({fault.cause for fault in FAULTS}) >= 30


def test_the_right_line_is_found_in_95_percent(outcomes):
    wrong = [o.fault.name for o in outcomes if not o.right_line]
    assert len(wrong) <= 0.05 * len(outcomes), wrong


def test_the_right_cause_is_found_in_90_percent(outcomes):
    wrong = [o.fault.name for o in outcomes if not o.right_cause]
    assert len(wrong) <= 0.10 * len(outcomes), wrong


def test_every_diagnosis_reads_as_two_to_six_lines(outcomes):
    for outcome in outcomes:
        lines = str(outcome.diagnosis).splitlines()
        assert 2 <= len(lines) <= 6
        assert all(line.strip() for line in lines)


@pytest.mark.parametrize("program", RIGHT, ids=lambda program: program.__name__)
def test_no_false_alarm(program):
    diagnosis = program()
    assert (diagnosis.state, diagnosis.cause, diagnosis.line) == ("fine", "fine", None)
    assert "the gradient is fine" in str(diagnosis)
    assert diagnosis.remedy == ""


def test_there_are_at_least_twenty_right_programs():
    assert len(RIGHT) >= 20


def test_every_cut_has_a_remedy():
    assert set(_RANK) <= REMEDIES.keys()


# --- nothing is recorded when not asked for


def test_nothing_is_recorded_outside(monkeypatch):
    monkeypatch.setattr(event_log, "users_line", lambda: pytest.fail("a line was looked up"))
    w = ad.tensor([1.0, 2.0], requires_grad=True)
    with ad.no_grad():
        w.numpy(), float(w[0]), w.detach().tolist(), w.sum().item()
    np.sum(w * w).backward()
    assert event_log.latest() is None


def test_recording_ends_with_the_block():
    w = ad.tensor([1.0, 2.0], requires_grad=True)
    with ad.diagnose():
        np.sum(w).backward()
    before = len(list(event_log.latest().events))
    np.sum(w * w).detach()
    assert len(list(event_log.latest().events)) == before


def test_recording_ends_where_the_block_raises():
    w = ad.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(TypeError, match="float"), ad.diagnose():
        float(w[0])
    assert ad.why(w).cause == "float"
    np.sum(w).backward()
    assert len(event_log.latest().sweeps) == 0


def test_a_long_training_is_not_kept():
    w = ad.tensor(np.ones(10_000), requires_grad=True)
    with ad.diagnose():
        np.sum(w * w).backward()
        tracemalloc.start()
        for _ in range(50):
            w.grad = None
            np.sum(w * w).backward()
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    # 4 passes of about 5 arrays of 80 kB; 50 of them would be 20 MB.
    assert held < 4e6


def test_a_rerun_leaves_gradients_as_they_are():
    model = nn.Linear(3, 1, rng=0)
    ad.why(lambda x: np.mean(model(x)), np.ones((2, 3)))
    assert all(parameter.grad is None for parameter in model.parameters())


def test_no_grad_records_nothing_inside_a_block():
    w = ad.tensor([1.0], requires_grad=True)
    with ad.diagnose(), ad.no_grad():
        assert not (w * 2).requires_grad
        assert not ad.is_recording()
        with ad.enable_grad():
            assert (w * 2).requires_grad


# --- what is asked about


def test_a_value_without_a_record_shows_its_graph_and_how_to_get_the_line():
    w = ad.tensor([-1.0, -2.0], requires_grad=True)
    diagnosis = ad.why(np.sum(ad.relu(w)))
    assert (diagnosis.subject, diagnosis.cause, diagnosis.line) == ("w", "dead_relu", None)
    assert "ad.diagnose()" in str(diagnosis)


def test_a_leaf_without_a_record_says_how_to_get_the_line():
    w = ad.tensor([1.0], requires_grad=True)
    diagnosis = ad.why(w)
    assert (diagnosis.state, diagnosis.cause) == ("none", "unknown")
    assert "ad.diagnose()" in diagnosis.remedy


def test_a_missing_gradient_is_found_by_the_only_leaf_without_one():
    w = ad.tensor([1.0], requires_grad=True)
    assert ad.why(w.grad).subject == "w"


def test_a_gradient_is_known_by_its_leaf():
    w = ad.tensor([0.0], requires_grad=True)
    with ad.diagnose(), np.errstate(all="ignore"):
        np.sum(np.sqrt(w)).backward()
    assert ad.why(w.grad).cause == ad.why(w).cause == "inf_backward"


def test_the_result_of_grad_is_known_by_its_array():
    x = np.array([0.0, 1.0])
    with ad.diagnose():
        slope = ad.grad(lambda v: np.sum(np.sqrt(v)))(x)
    assert ad.why(slope).cause == ad.why(x).cause == "inf_backward"
    assert ad.why(x).subject == "x"


def test_zeros_that_grad_returned_are_known_and_so_is_where_the_graph_was_cut():
    x = np.array([1.0, 2.0])

    def f(v):
        return np.sum(v.detach() ** 2)

    with ad.diagnose():
        slope = ad.grad(f)(x)
    for diagnosis in (ad.why(slope), ad.why(x)):
        assert (diagnosis.state, diagnosis.cause) == ("zero", "detach")
        assert diagnosis.where.text == "return np.sum(v.detach() ** 2)"
    assert ad.why(slope).subject == "slope"


@pytest.mark.parametrize(
    ("function", "cause"),
    [
        (lambda v: np.sum(v * v).item(), "item"),
        (lambda v: float(np.sum(v.detach())), "detach"),
        (lambda v: np.sum(np.asarray(v.detach())), "detach"),
        (lambda v: np.sum(ad.stop_gradient(v)), "stop_gradient"),
        (lambda v: np.sum(v.data**2), "unused"),
    ],
    ids=["item", "float", "asarray", "stop_gradient", "data"],
)
def test_zeros_that_grad_returned_are_told_by_how_the_numbers_left(function, cause):
    with ad.diagnose():
        slope = ad.grad(function)(np.array([1.0, 2.0]))
    assert (ad.why(slope).state, ad.why(slope).cause) == ("zero", cause)


def test_one_of_several_gradients_of_grad_may_be_the_one_that_was_not_reached():
    with ad.diagnose():
        first, second = ad.grad(lambda u, v: np.sum(u * v.detach()), (0, 1))(np.ones(2), np.ones(2))
    assert ad.why(first).cause == "fine"
    assert (ad.why(second).state, ad.why(second).cause) == ("zero", "detach")


def test_a_number_that_left_the_graph_is_told_as_what_it_is():
    w = ad.tensor([1.0, 2.0], requires_grad=True)
    with ad.diagnose():
        number = np.sum(w).item()
    assert (ad.why(number).subject, ad.why(number).cause) == ("w", "item")
    assert ad.why(number).where.text == "number = np.sum(w).item()"
    assert ad.why(0.25).cause == "no_graph"


def test_the_line_that_reads_data_is_told():
    w = ad.tensor([1.0, 2.0], requires_grad=True)
    v = ad.tensor([1.0, 2.0], requires_grad=True)
    with ad.diagnose():
        doubled = w.data * 2
        np.sum(v * doubled).backward()
    diagnosis = ad.why(w)
    assert (diagnosis.cause, diagnosis.where.text) == ("data", "doubled = w.data * 2")
    assert ad.why(lambda u: np.sum(u.data**2), np.ones(2)).cause == "data"


def test_data_that_is_only_described_is_no_exit():
    w = ad.tensor([1.0, 2.0], requires_grad=True)
    v = ad.tensor([1.0, 2.0], requires_grad=True)
    with ad.diagnose():
        np.sum(v * w.data.size).backward()
    assert ad.why(w).cause == "unused"
    assert ".data would not be seen" in ad.why(w).explanation


def test_an_array_that_numpy_made_says_where_numbers_left():
    w = ad.tensor([1.0, 2.0], requires_grad=True)
    with ad.diagnose():
        made = np.asarray(w.detach()) * 3
    assert ad.why(made).cause == "no_graph"
    assert "numbers left a graph at" in ad.why(made).explanation


def test_a_constant_has_no_graph():
    assert ad.why(ad.tensor([1.0])).cause == "no_graph"
    assert ad.why(np.ones(2)).cause == "no_graph"


def test_of_several_gradients_the_worst_is_told():
    a, b, c = (ad.tensor([value], requires_grad=True) for value in (1.0, -1.0, 0.0))
    with ad.diagnose(), np.errstate(all="ignore"):
        loss = np.sum(a + ad.relu(b) + np.sqrt(c))
        loss.backward()
    assert ad.why(loss).subject == "c"


def test_wrt_chooses_arguments_and_tensors():
    def f(x, w):
        return np.sum(x) + np.sum(ad.relu(w))

    x, w = np.ones(2), -np.ones(2)
    assert ad.why(f, x, w, wrt=0).cause == "fine"
    assert ad.why(f, x, w, wrt=(0, 1)).cause == "dead_relu"
    w = ad.tensor(w, requires_grad=True)
    assert ad.why(f, x, w, wrt=w).cause == "dead_relu"


def test_data_that_is_read_by_numpy_is_no_fault_where_parameters_are_asked_about():
    model = nn.Linear(3, 1, rng=0)

    def loss(x):
        scaled = np.asarray(x) / 2
        return np.mean((model(scaled) - 1) ** 2)

    assert ad.why(lambda x: loss(x) + np.sum(model.bias**2), np.ones((2, 3)), wrt=model)
    assert ad.why(loss, np.ones((2, 3)), wrt=model).cause == "fine"


def test_percentages_of_inactive_units_are_given_for_each_layer():
    model = nn.MLP(2, 4, 4, 1, activation="relu", rng=0)
    with ad.no_grad():
        model.layers[0].bias[:2] = -100.0
    details = ad.why(lambda x: np.mean(model(x)), np.ones((5, 2)), wrt=model).details
    one, two = details["inactive_units"].values()
    assert one >= 50
    assert 0 <= two <= 100
    assert details["layers"].keys() == dict(model.named_parameters()).keys()


def test_a_loss_that_is_nan_is_told_though_the_gradient_is_finite():
    def entropy(p):
        return np.sum(np.where(p > 0, 1.0, 0.0) * p * np.log(p))

    diagnosis = ad.why(entropy, np.array([0.5, 0.0]))
    assert diagnosis.cause == "inf_forward"
    assert "log of 0" in str(diagnosis)


def test_the_line_of_no_grad_is_told():
    w = ad.tensor([1.0], requires_grad=True)
    v = ad.tensor([1.0], requires_grad=True)
    with ad.diagnose():
        with ad.no_grad():
            y = v * 2
        np.sum(y * w).backward()
    assert f"begun at {__file__}" in ad.why(v).explanation


@pytest.mark.parametrize("subject", [3, "loss", [1.0]])
def test_other_subjects_are_refused(subject):
    with pytest.raises(TypeError, match="expected a tensor, its gradient or a function"):
        ad.why(subject)


def test_arguments_are_for_functions():
    with pytest.raises(TypeError, match="only a function takes arguments"):
        ad.why(ad.tensor([1.0]), wrt=0)


def test_a_function_without_anything_to_differentiate_is_refused():
    with pytest.raises(TypeError, match="nothing that a gradient could belong to"):
        ad.why(lambda: 3.0)


@pytest.mark.parametrize("wrt", ["x", 1.0, ["x"], [0, "x"]], ids=str)
def test_what_no_gradient_belongs_to_is_refused(wrt):
    with pytest.raises(TypeError, match="why: expected for wrt the number of an argument"):
        ad.why(lambda x: x * x, 1.0, wrt=wrt)


def test_errors_of_the_function_are_its_own():
    with pytest.raises(ZeroDivisionError):
        ad.why(lambda x: x / (1 // 0), 1.0)
    with pytest.raises(ValueError, match="wrt names argument 3"):
        ad.why(lambda x: x, 1.0, wrt=3)


def test_the_causes_in_the_code_have_remedies(outcomes):
    assert {outcome.diagnosis.cause for outcome in outcomes} <= REMEDIES.keys()


def test_remedies_name_losses_that_there_are():
    named = set(re.findall(r"\w*cross_entropy\w*", " ".join(REMEDIES.values())))
    assert named
    assert named <= nn.functional.LOSSES.keys()


def test_the_page_lists_every_cause():
    page = (Path(__file__).parents[2] / "docs/how-to/why.md").read_text(encoding="utf-8")
    table = page.partition("## Causes")[2].partition("## How well")[0]
    listed = re.findall(r"`([a-z_]+)`", table)
    assert set(listed) == REMEDIES.keys()
    assert f"runs {len(FAULTS)} small programs" in page
    assert f"and {len(RIGHT)} right programs" in page


def test_a_gradient_without_entries_is_no_zero():
    found = ad.why(lambda w: np.sum(w**2), np.zeros((0, 3)))
    assert found.state == "fine"
    assert "shape (0, 3), without any entry" in found.explanation
