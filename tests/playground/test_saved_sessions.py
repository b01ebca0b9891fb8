"""Points that are drawn and sessions that are saved are read strictly, and come back to the bit."""

import json

import numpy as np
import pytest

from adjoint.playground import requests, saved
from adjoint.playground.frame import unpack
from adjoint.playground.launch import bring_model
from adjoint.playground.session import Brought, Session
from adjoint.playground.settings import read
from adjoint.playground.values import SettingsError
from sampled import for_full

SMALL = {"rows": 40, "layers": [{"units": 3, "activation": "tanh"}], "batch_size": 6}
SIGHT = [-3.0, -3.0, 3.0, 3.0]
TABLE = "a,b,kind\n" + "".join(f"{n / 7},{n % 3},{'uv'[n % 2]}\n" for n in range(20))


def points(count=12, *, is_number=False):
    rng = np.random.default_rng(0)
    xy = rng.uniform(-2, 2, (count, 2)).tolist()
    drawn = [[x, y, x - y if is_number else n % 3] for n, (x, y) in enumerate(xy)]
    return {"points": drawn, "is_number": is_number, "sight": SIGHT}


def ask(session, name, **given):
    return unpack(requests.answer(session, json.dumps({"do": name, "id": 1, **given}))[8:])


def reach(session, step):
    while session.steps.taken < step:
        session.take(step, 0.1)


def weights(session):
    return {name: x.tobytes() for name, x in session.steps.model.state_dict().items()}


def session():
    return Session(Brought(read(SMALL)))


@pytest.mark.parametrize("is_number", [True, *for_full([False])])
def test_drawn_points_are_trained_on_and_written_in_the_program(is_number):
    one, given = session(), points(is_number=is_number)
    header, arrays = ask(one, "draw", drawn=given)
    assert (header["what"], header["settings"]["data"]) == ("opening", "drawn")
    assert header["sight"] == SIGHT
    assert header["drawn"] == given
    assert len(header["labels"]) == (0 if is_number else 3)
    assert sorted(map(tuple, arrays["points"].tolist())) == sorted(
        tuple(np.float32(point[:2]).tolist()) for point in given["points"]
    )
    reach(one, 9)
    scope = {}
    exec(compile(one.program(), "training.py", "exec"), scope)
    assert {n: x.tobytes() for n, x in scope["model"].state_dict().items()} == weights(one)


def test_a_loss_that_suits_the_points_is_kept():
    one = session()
    one.begin(read(SMALL | {"loss": "focal_loss"}))
    two = [[0, 0, 0], [1, 1, 1], [2, 0, 1]]
    header, _ = ask(one, "draw", drawn={"points": two, "is_number": False, "sight": SIGHT})
    assert header["settings"]["loss"] == "focal_loss"
    header, _ = ask(one, "draw", drawn=points())
    assert header["settings"]["loss"] == "cross_entropy"
    header, _ = ask(one, "draw", drawn=points(is_number=True))
    assert header["settings"]["loss"] == "mse_loss"


@pytest.mark.parametrize(
    "drawn",
    [
        None, [], {}, {"points": []}, points() | {"more": 1}, points() | {"points": 7},
        points() | {"points": [[0, 0, 0]]}, points() | {"points": [[0, 0, 0], [1, 1, 0]]},
        points() | {"points": [[0, 0], [1, 1]]}, points() | {"points": [[0, 0, 0.5], [1, 1, 1]]},
        points() | {"points": [[0, 0, 5], [1, 1, 1]]},
        points() | {"points": [[0, 0, -1], [1, 1, 1]]},
        points() | {"points": [[1e7, 0, 0], [1, 1, 1]]}, points() | {"points": ["ab0", "ab1"]},
        points() | {"points": [[None, 0, 0], [1, 1, 1]]}, points() | {"points": [[0, 0, 1]] * 1001},
        points() | {"is_number": 1}, points() | {"sight": [0, 0, 0, 0]},
        points() | {"sight": [0, 1]},
        points() | {"sight": "0123"}, points() | {"sight": [0, 0, float("nan"), 1]},
    ],
)  # fmt: skip
def test_points_that_cannot_be_are_refused_and_change_nothing(drawn):
    one = session()
    before = one.steps, one.settings, one.drawn
    header, _ = ask(one, "draw", drawn=drawn)
    assert header["what"] == "error"
    assert (one.steps, one.settings, one.drawn) == before


def prepared(kind):
    one = session()
    if kind == "drawn":
        ask(one, "draw", drawn=points())
    elif kind == "table":
        one.bring(TABLE, None)
    reach(one, 5)
    one.change({"lr": 0.05})
    reach(one, 11)
    return one


@pytest.mark.parametrize("kind", ["drawn", *for_full(["toy", "table"])])
def test_a_saved_session_leads_to_the_same_bits(kind):
    one, other = prepared(kind), session()
    text = one.saved()
    header, _ = ask(other, "load", text=text)
    assert (header["what"], header["step_saved"]) == ("opening", 11)
    reach(other, header["step_saved"])
    assert other.settings == one.settings
    assert weights(other) == weights(one)
    assert other.saved() == text


@pytest.fixture(scope="module")
def content():
    return json.loads(prepared("table").saved())


@pytest.fixture(scope="module")
def one():
    return prepared("drawn")


def without(content, name):
    return {key: value for key, value in content.items() if key != name}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda c: [],
        lambda c: None,
        lambda c: without(c, "table"),
        lambda c: c | {"more": 1},
        lambda c: c | {"format": "x"},
        lambda c: c | {"version": 2},
        lambda c: c | {"step": -1},
        lambda c: c | {"step": "5"},
        lambda c: c | {"settings": {"data": "drawn"}},
        lambda c: c | {"settings": {"formula": "__import__('os')", "data": "formula"}},
        lambda c: c | {"settings": c["settings"] | {"changes": [{"step": 1, "given": {"lr": -1}}]}},
        lambda c: c | {"table": {}},
        lambda c: c | {"table": c["table"] | {"X": []}},
        lambda c: c | {"table": c["table"] | {"X": [[1, 2]] * 19 + [[1]]}},
        lambda c: c | {"table": c["table"] | {"X": [[1, "2"]] * 20}},
        lambda c: c | {"table": c["table"] | {"X": [[1, 1e200]] * 20}},
        lambda c: c | {"table": c["table"] | {"X": [[1, float("inf")]] * 20}},
        lambda c: c | {"table": c["table"] | {"y": [0] * 19}},
        lambda c: c | {"table": c["table"] | {"y": [2] * 20}},
        lambda c: c | {"table": c["table"] | {"y": [0.5] * 20}},
        lambda c: c | {"table": c["table"] | {"labels": ["u"]}},
        lambda c: c | {"table": c["table"] | {"labels": list("abcdef")}},
        lambda c: c | {"table": c["table"] | {"names": ["a"]}},
        lambda c: c | {"table": c["table"] | {"names": ["a", "b", 3]}},
        lambda c: c | {"drawn": points() | {"points": [[0, 0, 9]]}},
    ],
)
def test_a_file_that_is_spoilt_is_refused_whole(spoil, one, content):
    before = one.steps, one.settings, one.rows, one.drawn, weights(one)
    header, _ = ask(one, "load", text=json.dumps(spoil(content)))
    assert header["what"] == "error"
    assert len(header["error"]) < 300
    assert "Error" not in header["error"]  # a sentence, not what Python stumbled over
    assert (one.steps, one.settings, one.rows, one.drawn, weights(one)) == before


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "\0", 5, None, " " * (saved.LONGEST + 1)])
def test_what_is_no_file_of_a_session_is_refused(text):
    one = session()
    before = one.steps
    header, _ = ask(one, "load", text=text)
    assert header["error"].startswith(("session: ", "the message"))
    assert one.steps is before


def test_the_names_of_a_table_are_cut(content):
    table = content["table"] | {"names": ["x" * 100_000, "b", "kind"]}
    assert len(saved.read_text(json.dumps(content | {"table": table})).table.names[0]) == 40


def test_a_model_of_the_users_is_in_no_file():
    X = np.zeros((8, 2))
    import adjoint as ad

    one = Session(
        bring_model(ad.nn.Linear(2, 1, rng=0), X, X[:, :1], "mse_loss", "sgd", 4, 0, None)
    )
    for do, given in (
        ("session", {}),
        ("load", {"text": session().saved()}),
        ("draw", {"drawn": points()}),
    ):
        header, _ = ask(one, do, **given)
        assert "has its own rows" in header["error"]
    with pytest.raises(SettingsError):
        one.saved()
