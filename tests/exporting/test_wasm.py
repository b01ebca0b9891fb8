"""Modules of WebAssembly: their arithmetic, their linker, and what they give in node."""

import ctypes
import json
import math
import random
import shutil
import subprocess
from fractions import Fraction

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

pytest.importorskip("llvmlite")

import adjoint as ad
from adjoint import nn
from adjoint.compiler.native.machine import Library, this_machine
from adjoint.estimators import MLPClassifier
from adjoint.exporting.refusal import ExportError
from adjoint.exporting.wasm.arithmetic import with_arithmetic
from adjoint.exporting.wasm.binary import Reader, padded, sections, signed, unsigned
from adjoint.exporting.wasm.javascript import literal
from adjoint.exporting.wasm.linker import STACK, UnlinkableError, link
from adjoint.exporting.wasm.machine import machine
from exported_networks import NETWORKS, assert_like, outputs, rows
from sampled import sampled

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="needs node")


def in_node(folder, script):
    """Return what a script of node writes as JSON, run in a folder."""
    (folder / "run.mjs").write_text(script, "utf-8")
    done = subprocess.run(["node", "run.mjs"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


SPECIAL = {"NaN": np.nan, "Infinity": np.inf, "-Infinity": -np.inf}
RUN = """
import { load, selfTest } from "./net.mjs";
import fs from "node:fs";
const net = await load();
const x = fs.readFileSync("x.bin");
const y = net.run(new KIND(x.buffer, x.byteOffset, x.length / KIND.BYTES_PER_ELEMENT));
const first = Array.isArray(y) ? y[0] : y;
process.stdout.write(JSON.stringify(Array.from(first, String)));
"""


def run_in_node(folder, x):
    kind = {"float64": "Float64Array", "float32": "Float32Array"}[str(x.dtype)]
    x.tofile(folder / "x.bin")
    return np.array(
        [SPECIAL.get(y, y) for y in in_node(folder, RUN.replace("KIND", kind))], x.dtype
    )


# --- numbers and the linker


@pytest.mark.parametrize("value", [0, 1, 63, 64, 127, 128, 2**31 - 1, 2**32 - 1])
def test_numbers_are_read_as_they_were_written(value):
    assert Reader(unsigned(value)).unsigned() == value
    assert Reader(signed(value)).signed() == value
    assert Reader(signed(-value)).signed() == -value
    assert Reader(padded(value)).unsigned() == value
    assert len(padded(value)) == 5


def test_a_module_imports_nothing_and_keeps_its_constants():
    text = """
@table = internal constant [2 x i32] [i32 7, i32 -9]
define i32 @second() { %at = getelementptr i32, ptr @table, i32 1
  %x = load i32, ptr %at
  ret i32 %x }
"""
    linked = link(machine().assemble(text), ["second"], {STACK: b"\1\2\3"}, STACK + 3)
    found = dict(sections(linked.module))
    assert 2 not in found
    # The block, then at the next line of the cache the two numbers of the object.
    assert found[11].count(b"\1\2\3") == 1
    assert np.array([7, -9], "<i4").tobytes() in found[11]
    assert linked.heap % 64 == 0
    assert linked.heap >= STACK + 64 + 8


def test_what_an_object_does_not_bring_is_named():
    text = "declare double @cbrt(double)\ndefine double @f(double %x) {\n"
    text += "  %y = call double @cbrt(double %x)\n  ret double %y\n}"
    with pytest.raises(UnlinkableError, match="it needs cbrt"):
        link(machine().assemble(text), ["f"], {}, STACK)


def test_calls_by_a_table_are_refused():
    text = "define void @f(ptr %g) {\n  store ptr @f, ptr %g\n  ret void\n}"
    with pytest.raises(UnlinkableError, match="relocation of kind 1"):
        link(machine().assemble(text), ["f"], {}, STACK)


# --- arithmetic, compiled for this computer under other names


def own_functions(text, *names):
    text = with_arithmetic(text)
    for name in names:
        text = text.replace(f"@{name}(", f"@own.{name}(")
    text = text.partition("\n\n")[2]
    return Library(this_machine().assemble(text), [f"own.{name}" for name in names])


def test_the_remainder_is_that_of_c():
    library = own_functions("; frem\n\n", "fmod")
    fmod = library.function("own.fmod", ctypes.c_double, *[ctypes.c_double] * 2)
    draw = random.Random(0)
    sizes = [0.0, 5e-324, 1e-310, 2.2e-308, 1.0, 3.5, 1e17, 1e300, math.inf, math.nan]
    sizes += [draw.uniform(1, 2) * 2.0 ** draw.randint(-1070, 1000) for _ in range(60)]
    for x in [*sizes, *(-x for x in sizes)]:
        for y in sizes:
            with np.errstate(all="ignore"):
                expected = np.fmod(x, y)
            found = fmod(x, y)
            assert (found, math.copysign(1, found)) == (expected, math.copysign(1, expected)) or (
                math.isnan(found) and math.isnan(expected)
            ), (x, y)


@pytest.mark.parametrize(("name", "kind"), [("fma", np.float64), ("fmaf", np.float32)])
def test_a_multiply_add_is_rounded_once(name, kind):
    suffix = {"fma": "f64", "fmaf": "f32"}[name]
    library = own_functions(f"; @llvm.fma.{suffix}\n\n", name)
    c_type = {"fma": ctypes.c_double, "fmaf": ctypes.c_float}[name]
    fma = library.function(f"own.{name}", c_type, *[c_type] * 3)
    draw = random.Random(0)

    def number():
        return float(kind(draw.uniform(-2, 2) * 2.0 ** draw.randint(-30, 30)))

    for _ in range(3000):
        a, b, c = number(), number(), number()
        if draw.random() < 0.5:  # so that the sum cancels
            c = float(kind(-a * b))
        exact = Fraction(a) * Fraction(b) + Fraction(c)
        expected = float(exact) if kind is np.float64 else nearest_single(exact)
        assert fma(a, b, c) == expected, (a, b, c)
    assert math.isnan(fma(math.inf, 0.0, 1.0))
    assert fma(math.inf, 1.0, 1.0) == math.inf
    assert fma(1e300 if kind is np.float64 else 1e30, 0.0, 2.0) == 2.0


def nearest_single(exact):
    """Return the float32 that is nearest to a fraction, and even if two are."""
    first = np.float32(float(exact))
    near = [
        first,
        np.nextafter(first, np.float32(-np.inf)),
        np.nextafter(first, np.float32(np.inf)),
    ]
    return float(
        min(near, key=lambda x: (abs(Fraction(float(x)) - exact), int(x.view(np.int32)) & 1))
    )


def test_products_of_128_bits_are_exact():
    library = own_functions("; i256\n\n", "__multi3")
    words = [ctypes.c_void_p, *[ctypes.c_uint64] * 4]
    multiply = library.function("own.__multi3", None, *words)
    draw, out = random.Random(0), np.zeros(2, np.uint64)
    for bits in [(128, 128), (64, 64), (100, 20), (1, 128)] * 50:
        x, y = (draw.getrandbits(n) for n in bits)
        multiply(out.ctypes.data, x % 2**64, x >> 64, y % 2**64, y >> 64)
        assert int(out[0]) + (int(out[1]) << 64) == x * y % 2**128


# --- networks and functions


@needs_node
@pytest.mark.parametrize("name", sampled(NETWORKS, 8))
def test_node_gives_what_the_network_gives(name, tmp_path):
    model, shape, dtype = NETWORKS[name]()
    x = rows(shape, dtype, 150)
    done = ad.export(model, tmp_path / "net.wasm", x[:1])
    assert done.tested == "golden vectors, node: ok"
    expected = outputs(model, x)
    assert_like(run_in_node(tmp_path, x).reshape(expected.shape), expected)


@pytest.mark.full
@needs_node
@pytest.mark.parametrize("name", list(NETWORKS))
def test_ten_thousand_rows_in_node(name, tmp_path):
    model, shape, dtype = NETWORKS[name]()
    x = rows(shape, dtype, 10_000)
    ad.export(model, tmp_path / "net.wasm", x[:1])
    expected = outputs(model, x)
    assert_like(run_in_node(tmp_path, x).reshape(expected.shape), expected)


FUNCTIONS = {
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "fmod": lambda x: np.fmod(x, 0.7),
    "remainder": lambda x: np.remainder(x, -0.7),
    "erf": ad.special.erf,
    "power": lambda x: np.power(np.abs(x), 1.7),
    "cbrt": np.cbrt,
    "log2": lambda x: np.log2(np.abs(x)),
}


@needs_node
@pytest.mark.parametrize("dtype", sampled([np.float64, np.float32], 2))
@pytest.mark.parametrize("name", sampled(FUNCTIONS, 5))
def test_functions_without_an_instruction_are_those_of_native_code(name, dtype, tmp_path):
    x = np.array([0.5, -1, 2, 1e10, 1e300, -3, 100, 1e-300, np.nan, np.inf, 1e22, 0.0, -0.0])
    with np.errstate(all="ignore"):
        x = x.astype(dtype)
        ad.export(FUNCTIONS[name], tmp_path / "net.wasm", x)
        expected = np.asarray(ad.compile(FUNCTIONS[name])(x))
    np.testing.assert_allclose(
        run_in_node(tmp_path, x), expected, rtol=4 * np.finfo(dtype).eps, atol=0
    )


@needs_node
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_a_pipeline_predicts_its_classes_whatever_they_are_called(tmp_path):
    X = np.random.default_rng(0).normal(size=(60, 4)) * [1, 10, 100, 1000]
    classes = np.array(["红\u2028", "</script>*/", "c\"'`${x}\\"])
    y = classes[(X[:, 0] > 0).astype(int) + (X[:, 1] > 0)]
    model = make_pipeline(StandardScaler(), MLPClassifier((8,), max_iter=3, random_state=0))
    model.fit(X, y)
    ad.export(model, tmp_path / "net.wasm")
    text = (tmp_path / "net.mjs").read_text("utf-8")
    assert "</script>" not in text
    assert text.isascii()
    script = f"""
import {{ load }} from "./net.mjs";
process.stdout.write(JSON.stringify((await load()).predict({X.ravel().tolist()})));
"""
    assert in_node(tmp_path, script) == model.predict(X).tolist()


@needs_node
@pytest.mark.parametrize(
    ("given", "wanted"), sampled([("f8", "i8"), ("f4", "i4"), ("f8", "i4")], 2)
)
def test_a_float_becomes_the_integer_that_c_makes_of_it(given, wanted, tmp_path):
    """What no integer is near becomes the least one, with NumPy on x86 too."""
    bits = 8 * np.dtype(wanted).itemsize - 1
    x = np.array(
        [0, -0.0, 1.9, -1.9, 2.0**30 + 0.5, -(2.0**bits), 2.0**bits, np.nan, -np.inf, 1e30]
    )
    x = np.concatenate([x, [2.0**bits - 2 ** (bits - 20), 7434.0, 16777215.0]]).astype(given)
    x.tofile(tmp_path / "x.bin")
    ad.export(lambda x: x.astype(wanted), tmp_path / "net.wasm", x)
    y = in_node(tmp_path, RUN.replace("KIND", "Float64Array" if given == "f8" else "Float32Array"))
    expected = [int(v) if abs(v) < 2.0**bits else -(2**bits) for v in x.tolist()]
    assert [int(v) for v in y] == expected


@needs_node
def test_an_index_out_of_range_and_a_wrong_size_are_errors(tmp_path):
    ad.export(nn.Embedding(5, 3, rng=0), tmp_path / "net.wasm", np.array([[1, 2]]))
    script = """
import { load } from "./net.mjs";
const net = await load();
const told = [[[1, 2]], [[1, 5]], [[1, -6]], [[1]], [], [[1], [2]]].map((given) => {
  try { return net.run(...given).length; } catch (error) { return error.message; }
});
process.stdout.write(JSON.stringify(told));
"""
    found = in_node(tmp_path, script)
    assert found[0] == 6
    assert all("out of range" in told for told in found[1:3])
    assert "expected a multiple of 2" in found[3]
    assert all("expected 1 arrays" in told for told in found[4:])


@needs_node
def test_what_would_become_another_number_is_an_error(tmp_path):
    def f(mask, index, count, x):
        return np.where(mask, x, -x) + index * 2 + count

    args = (np.array([True]), np.array([1], np.int32), np.array([1]), np.ones(1))
    ad.export(f, tmp_path / "net.wasm", *args)
    script = """
import { load } from "./net.mjs";
const net = await load();
const given = [
  [[true], [1], [2n], [0.5]],
  [[true], new Float64Array([1.5]), [2], [1]], [[0], [NaN], [2], [1]], [[0], [2 ** 32], [2], [1]],
  [[2], [1], [2], [1]], [new Uint8Array([2]), [1], [2], [1]], [[1], [1], [2n ** 64n], [1]],
  [[1], [1], [2], [[1]]], [[1], [1], [2], ["1"]], [[1], [1], [2], [undefined]],
];
const told = given.map((arrays) => {
  try { return Array.from(net.run(...arrays)); } catch (error) { return error.message; }
});
process.stdout.write(JSON.stringify(told));
"""
    found = in_node(tmp_path, script)
    assert found[0] == [4.5]
    assert all("expected a whole number" in told for told in [*found[1:4], found[6]])
    assert all("expected 0 or 1" in told for told in found[4:6])
    assert all("expected numbers, row after row" in told for told in found[7:])


@needs_node
def test_a_module_of_another_export_is_refused(tmp_path):
    model = nn.MLP(2, 3, 1, rng=0)
    ad.export(model, tmp_path / "net.wasm", np.ones((1, 2)))
    text = (tmp_path / "net.mjs").read_text()
    ad.export(nn.MLP(2, 4, 1, rng=0), tmp_path / "net.wasm", np.ones((1, 2)))
    (tmp_path / "net.mjs").write_text(text)
    script = """
import { load } from "./net.mjs";
import { readFileSync } from "node:fs";
const strange = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);
const sources = [undefined, new WebAssembly.Module(readFileSync("net.wasm")), strange];
const told = [];
for (const source of sources) {
  try { await load(source); } catch (error) { told.push(error.message); }
}
process.stdout.write(JSON.stringify(told));
"""
    found = in_node(tmp_path, script)
    assert len(found) == 3
    assert all("not written together" in told for told in found)


@needs_node
def test_a_changed_weight_fails_the_self_test(tmp_path):
    model = nn.MLP(2, 3, 1, dtype=np.float32, rng=0)
    ad.export(model, tmp_path / "net.wasm", np.ones((1, 2), np.float32))
    before = next(model.parameters()).data.tobytes()[:4]
    content = (tmp_path / "net.wasm").read_bytes()
    assert content.count(before) == 1
    (tmp_path / "net.wasm").write_bytes(content.replace(before, np.float32(9).tobytes()))
    script = """
import { load, selfTest } from "./net.mjs";
let told = "";
try { selfTest(await load()); } catch (error) { told = error.message; }
process.stdout.write(JSON.stringify(told));
"""
    assert "golden vector" in in_node(tmp_path, script)


@needs_node
def test_a_network_that_mixes_its_rows_sees_them_one_by_one(tmp_path):
    def mixes(x):
        return x - np.mean(x, axis=0)

    class Mixing(nn.Module):
        def forward(self, x):
            return mixes(x)

    ad.export(Mixing(), tmp_path / "net.wasm", np.ones((1, 3)))
    assert not run_in_node(tmp_path, np.random.default_rng(0).normal(size=(130, 3))).any()


@pytest.mark.parametrize(
    ("function", "args", "told"),
    [
        (np.linalg.inv, (np.eye(3),), "inv"),
        (np.sort, (np.ones(3),), "sort"),
        (lambda x: x * 2, (np.ones((0, 3)),), "arrays without entries"),
    ],
)
def test_what_it_cannot_carry_is_named_and_nothing_is_written(function, args, told, tmp_path):
    with pytest.raises(ExportError, match=told):
        ad.export(function, tmp_path / "net.wasm", *args)
    assert not list(tmp_path.iterdir())


def test_without_node_it_says_that_nothing_was_tested(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    done = ad.export(nn.MLP(2, 3, 1, rng=0), tmp_path / "net.wasm", np.ones((1, 2)))
    assert "not run" in done.tested
    assert [path.name for path in done.files] == ["net.wasm", "net.mjs", "net.d.mts"]
    assert done.sizes["module"] == (tmp_path / "net.wasm").stat().st_size


def test_no_text_ends_a_script_or_a_line():
    for text in ("</script>", "\u2028", "\n", '"', "\\", "<!--", "红", "\ud800"):
        found = literal(text)
        assert found.isascii()
        assert "<" not in found
        assert json.loads(found.replace("\\u003c", "<")) == text
