"""The phrases of derivations and pictures in English."""

from __future__ import annotations

from ..derivation.numbers import SUMMARY

PHRASES = {
    # A derivation's parts.
    "title": "Derivation of {what}",
    "parameters": "{count} parameters",
    "given": "Given",
    "forward": "Forward",
    "backward": "Backward",
    "one entry": "One entry",
    "engine": "The engine's gradient",
    "verdict": (
        "All {count} equalities hold: each was computed anew, from its text, when this was written."
    ),
    "shape": "shape {shape}",
    "labelled": "{label}: {what}",
    "equation": "Equation ({number})",
    "array": SUMMARY,
    # Why a line holds.
    "definition": "definition",
    "chain rule": "chain rule through {operation}",
    "sum over broadcast": "backward of {operation}: sum over what was broadcast",
    "independent": "does not depend on it",
    "itself": "it is this value itself",
    "equation 2": "activation",
    "equation 3": "affine map",
    "equation 5": "activation, backward",
    "equation 7": "affine map, backward",
    "equation 9": "affine map, backward",
    "equation 13": "affine map, backward",
    "equation 14": "softmax with cross-entropy, backward",
    # The paths of an entry.
    "no paths": "No paths lead from {entry} to the value",
    "one path": "1 path leads from {entry} to the value",
    "paths": "{count} paths lead from {entry} to the value",
    "grouped paths": (
        "{count} paths lead from {entry} to the value; they are grouped by the first of {groups} "
        "values"
    ),
    "uncounted paths": (
        "More paths than were counted lead from {entry} to the value; they are grouped by the "
        "first of {groups} values"
    ),
    "matrix view": "matrix view",
    "scalar view": "scalar view",
    "more terms": "{count} more",
    "more paths": "{count} more paths add {sum}",
    "more groups": "{count} more groups add {sum}",
    "all paths": "together",
    # The page.
    "value": "Value",
    "differentiated by": "Differentiated by",
    "given besides": "Given besides",
    "steps": "Steps",
    "counted steps": "{forward} forward, {backward} backward",
    "graph": "Graph",
    "graph note": (
        "A box leads to the step that computes it, its gradient to the step that derives the "
        "gradient; each step leads back. Values called u1, u2 … stand inside a formula and have no "
        "step of their own."
    ),
    "no graph": "The graph has {count} boxes, too many for a picture that can be read.",
    "in the graph": "in the graph",
    "equations": "Equations cited",
    "equations note": (
        "The numbers are those of the derivation of backpropagation in adjoint's documentation."
    ),
    "about 2": "The activation σ works on each entry by itself.",
    "about 3": "A layer multiplies by its weights and adds its bias to every row.",
    "about 5": (
        "Each entry of z' depends on one entry of a alone, so the chain rule has one term: the "
        "gradient is multiplied by the slope, entry by entry."
    ),
    "about 7": (
        "A weight meets one feature of every row; the product of matrices adds up what all rows "
        "contribute."
    ),
    "about 9": "The bias is added to every row, so its gradient is the sum over the rows.",
    "about 13": (
        "A feature enters every output of its row, each by one weight; the product with the "
        "transposed weights adds these up."
    ),
    "about 14": (
        "For the mean over B rows of the cross-entropy of softmax, the derivatives of logarithm, "
        "quotient and exponential cancel: what is left is probability minus label."
    ),
    # The picture.
    "numbered constant": "constant {number}",
    "folded module": "{kind}, {parameters}",
    "module tip": "{kind}: {operations} operations, {parameters}",
    "parameters' norm": "norm of the parameters' gradient {norm}",
    "parameters' gradient": "∇ parameters ‖·‖ {norm}",
    "turns": "{name}: {count} turns",
    "more rounds": "{count} more rounds",
    "operations": "{count} operations",
    "tip value": "value",
    "tip gradient": "gradient",
    "adds to": "adds to ∇ of {name}: {array}",
    "input": "input",
    "parameter": "parameter",
    "fixed": "not trained",
    "constant": "constant",
    "operation": "operation",
    "module": "folded",
    "picture value": "value",
    "picture gradient": "gradient ∇",
    "norm": "norm",
    "zero": "zero",
    "not needed": "not needed",
}
