"""A mutation makes one mistake in a right backward pass, and labels it with its name and place.

It knows nothing of how mistakes are found: labels follow from what was changed in the source.
"""

from __future__ import annotations

import ast
import copy
import dataclasses

FACTORS = {"sign": "-({})", "accumulated": "({0}) + ({0})", "scale": "0.5 * ({})"}


def mutants(layer):
    """Yield the wrong variants of a right layer, each with its label."""
    lines = layer.backward.splitlines()
    for number, line in enumerate(lines):
        for mistake, text in _line_mutants(layer, line):
            changed = [*lines[:number], text, *lines[number + 1 :]]
            yield _labelled(layer, "\n".join(changed), mistake, line, text)
    yield from _twists(layer, lines)


def _labelled(layer, backward, mistake, line, text, twist=()):
    label = {
        "mistake": mistake,
        "statement": _target(line),
        "gradients": sorted(_reached(layer, line)),
        "change": f"{line}  →  {text}",
    }
    return dataclasses.replace(layer, backward=backward, twist=twist, label=label)


def _target(line):
    tree = ast.parse(line).body[0]
    return ast.unparse(tree.targets[0]) if isinstance(tree, ast.Assign) else ""


def _reached(layer, line):
    """Return the arguments whose gradients the statement flows into, by the names it goes by."""
    names, started = {_target(line)}, False
    for other in layer.backward.splitlines():
        if started and _target(other):
            read = {n.id for n in ast.walk(ast.parse(other)) if isinstance(n, ast.Name)}
            names |= {_target(other)} if read - {_target(other)} & names or read & names else set()
        started = started or other == line
    return {n for n, gradient in layer.kind.gradients.items() if gradient in names}


def _line_mutants(layer, line):
    tag = line.partition("  # ")[2]
    tree = ast.parse(line).body[0]
    if not isinstance(tree, ast.Assign):
        return
    target, value = ast.unparse(tree.targets[0]), tree.value
    text = ast.unparse(value)

    def say(expression):
        return f"{target} = {expression}"

    for mistake, pattern in FACTORS.items():
        yield mistake, say(pattern.format(text))
    yield "dtype", say(f"({text}).astype(np.float32)")
    yield "dtype", say(f"({text}).astype(int)")
    if target in layer.kind.gradients.values():
        of = next(n for n, gradient in layer.kind.gradients.items() if gradient == target)
        forgotten = "bias" if of in layer.kind.biases else "missing_gradient"
        yield forgotten, say(f"np.zeros_like({text})")
        if of in layer.kind.biases and layer.form != "update":
            yield "bias", say("None")
        yield "non_finite", say(f"({text}) / np.zeros(1)")
    if target in ("dW", "da", "dW1", "db", "dgamma") and "len(x)" not in text:
        yield (
            "mean_for_sum",
            say(f"({text}) / len(g)" if layer.kind.output != "loss" else f"({text}) / len(x)"),
        )
    if tag == "softmax":
        y, g = ("p", "dp") if "dp" in text else ("y", "g")
        yield "softmax_diagonal", say(f"{g} * {y} * (1 - {y})")
        yield (
            "softmax_jacobian",
            say(
                f"np.stack([(np.diag(s[:, None]) - np.outer(s, s)) @ h for s, h in zip({y}, {g})])"
            ),
        )
        yield "softmax_jacobian", say(f"{y} * {g}")
        yield "activation_derivative", say(g)
    if tag == "logits":
        a = "a" if layer.kind.name == "classifier" else "x"
        yield "operand", say(text.replace("p - t", f"{a} - t"))
        yield "missing_term", say(text.replace("p - t", "p"))
        yield "missing_mean", say(text.replace(" / len(x)", ""))
    if tag == "activation":
        yield from ((m, say(e)) for m, e in _activations(layer, text))
    yield from ((m, say(e)) for m, e in _tree_mutants(layer, value, tag))


def _activations(layer, text):
    """Yield wrong derivatives of an activation, by what it is written with."""
    g = text.partition(" ")[0]
    yield "activation_derivative", g
    for output, input in (("z1", "a1"), ("z", "a"), ("y", "x"), ("s", "v"), ("t", "u")):
        names = {n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name)}
        known = layer.kind.forward + " ".join(layer.kind.arguments)
        if output in names and input in known and layer.kind.name not in ("gelu", "swish"):
            yield "activation_derivative", _renamed(text, {output: input})
    for old, new in (
        ("(1 - y**2)", "(1 - y)"),
        ("(1 - z1**2)", "(1 - z1)"),
        ("y * (1 - y)", "y"),
        ("z * (1 - z)", "(1 - z)"),
        ("(x > 0)", "(x < 0)"),
        ("(a > 0)", "(a < 0)"),
        ("(1 - y)", "(1 + y)"),
        ("np.exp(-x)", "np.exp(-y)"),
        ("1.0, 0.1", "1.0, 0.0"),
        ("(x > 0)", "np.maximum(x, 0)"),
    ):
        if old in text:
            yield "activation_derivative", text.replace(old, new)


def _renamed(text, names):
    tree = ast.parse(text, mode="eval")
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            node.id = names.get(node.id, node.id)
    return ast.unparse(tree)


# --- changes of one node of the expression


def _tree_mutants(layer, value, tag):
    for path, node in enumerate(ast.walk(value)):
        for mistake, new in _node_mutants(layer, node, value, tag):
            yield mistake, ast.unparse(_put(value, path, new))


def _put(value, path, new):
    """Return a copy of an expression with the node of a number in walking order replaced."""
    tree = ast.Expression(copy.deepcopy(value))
    old = list(ast.walk(tree.body))[path]
    for parent in ast.walk(tree):
        for name, item in ast.iter_fields(parent):
            if item is old:
                setattr(parent, name, new)
            elif isinstance(item, list):
                setattr(parent, name, [new if each is old else each for each in item])
    return ast.fix_missing_locations(tree).body


def _node_mutants(layer, node, value, tag):
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        yield from _products(layer, node)
    if isinstance(node, ast.Call):
        yield from _reductions(node, node is value)
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)) and not tag:
        yield "missing_term", node.left
        other = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        yield "sign", ast.BinOp(node.left, other, node.right)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) and not tag:
        if isinstance(node.right, (ast.Name, ast.Attribute)):
            yield "operand", node.left
        if isinstance(node.right, ast.Name):
            for other in _alike(layer, node.right.id):
                yield "operand", ast.BinOp(node.left, ast.Mult(), ast.Name(other))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and not tag:
        right = ast.unparse(node.right)
        by_mean = "size" in right or "len" in right
        yield ("missing_mean" if by_mean else "scale" if "sqrt" in right else "operand"), node.left


def _products(layer, node):
    for side in ("left", "right"):
        operand = getattr(node, side)
        if isinstance(operand, ast.Attribute) and operand.attr == "T":
            yield "transpose", _with(node, side, operand.value)
            name = ast.unparse(operand.value)
            for other in _alike(layer, name):
                yield "operand", _with(node, side, ast.Attribute(ast.Name(other), "T"))
        elif isinstance(operand, ast.Name):
            yield "transpose", _with(node, side, ast.Attribute(operand, "T"))
    yield "transpose", ast.Attribute(node, "T")


def _with(node, side, operand):
    new = copy.copy(node)
    setattr(new, side, operand)
    return new


def _reductions(node, whole):
    text = ast.unparse(node)
    for old, new in (("np.sum(", "np.mean("), (".sum(", ".mean(")):
        if text.startswith("np.sum(") == (old == "np.sum(") and old in text and "axis=0" in text:
            yield "mean_for_sum", _parsed(text.replace(old, new, 1))
    if whole and "axis=0" in text and "sum" in text:
        argument = node.args[0] if node.args else node.func.value
        yield "missing_sum", argument
        yield "axis", _parsed(text.replace("axis=0", "axis=1"))
        yield "axis", _parsed(text.replace("axis=0", ""))
        yield "shape", _parsed(text.replace("axis=0", "axis=0, keepdims=True"))
    if whole and "axis=1, keepdims=True" in text and "sum" in text:
        yield "broadcast", node.args[0]
        yield "axis", _parsed(text.replace("axis=1", "axis=0"))
    if not whole and "np.sum(" in text and "axis=1" in text:
        yield "axis", _parsed(text.replace("axis=1", "axis=0"))
    if not whole and "mean(" in text:  # a term that is a mean becomes a sum
        yield "missing_mean", _parsed(text.replace("mean(", "sum(", 1))


def _parsed(text):
    return ast.parse(text, mode="eval").body


def _alike(layer, name):
    """Return other values of the forward pass that have a value's shape."""
    shapes = {  # by kind: groups of names of one shape
        "batch_norm": ["x h", "m s gamma beta"],
        "layer_norm": ["x h"],
        "rms_norm": ["x h"],
        "mlp": ["a1 z1"],
        "gate": ["x s v"],
        "attention": ["a p"],
        "dropout": ["x mask"],
        "residual": ["a z x"],
        "sigmoid_layer": ["a z"],
        "gain": [],
        "classifier": ["a p x"],
    }
    groups = [group.split() for group in shapes.get(layer.kind.name, [])]
    return [other for group in groups if name in group for other in group if other != name]


# --- mistakes of the form, not of a statement


def _twists(layer, lines):
    text = layer.backward
    if layer.form == "object":
        made = {n.id for n in ast.walk(ast.parse(layer.kind.forward)) if isinstance(n, ast.Name)}
        for line in lines:
            read = {n.id for n in ast.walk(ast.parse(line)) if isinstance(n, ast.Name)}
            for name in sorted(read & (made | set(layer.inputs)) - set(layer.kind.parameters)):
                if name in ("np", "k", "len", "range", "sum", "t", "mask", "index"):
                    continue
                readers = [o for o in lines if name in _names(o)]
                if readers[0] == line:
                    change = f"{name} of the first call"
                    yield _labelled(layer, text, "stale", line, change, ("stale", name))
        for name in layer.kind.parameters:
            line = next((o for o in lines if _target(o) == layer.kind.gradients[name]), lines[0])
            yield _labelled(layer, text, "accumulated", line, "never reset", ("grown", name))
    if layer.form == "update":
        for number, line in enumerate(lines):
            for name in sorted(_names(line) & set(layer.kind.parameters)):
                before = {_target(other) for other in lines[:number]}
                if layer.kind.gradients[name] in before:
                    yield _labelled(
                        layer, text, "stale", line, "updated before", ("early", name, line)
                    )


def _names(line):
    return {n.id for n in ast.walk(ast.parse(line)) if isinstance(n, ast.Name)}
