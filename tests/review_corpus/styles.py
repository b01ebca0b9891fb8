"""A style writes the same backward pass in another way that people have."""

from __future__ import annotations

import ast


class _Dots(ast.NodeTransformer):
    """`A @ B` as np.dot(A, B)."""

    def visit_BinOp(self, node):
        self.generic_visit(node)
        if isinstance(node.op, ast.MatMult):
            return ast.Call(_np("dot"), [node.left, node.right], [])
        return node


class _Sums(ast.NodeTransformer):
    """`A @ B` as an einsum over named axes."""

    def visit_BinOp(self, node):
        self.generic_visit(node)
        if not isinstance(node.op, ast.MatMult):
            return node
        left, right, first, second = node.left, node.right, "ij", "jk"
        if isinstance(left, ast.Attribute):
            left, first = left.value, "ji"
        if isinstance(right, ast.Attribute):
            right, second = right.value, "kj"
        text = ast.Constant(f"{first},{second}->ik")
        return ast.Call(_np("einsum"), [text, left, right], [])


class _Turned(ast.NodeTransformer):
    """Products with their factors in the other order."""

    def visit_BinOp(self, node):
        self.generic_visit(node)
        if isinstance(node.op, ast.Mult):
            node.left, node.right = node.right, node.left
        return node


def _np(name):
    return ast.Attribute(ast.Name("np", ast.Load()), name, ast.Load())


def _in_place(text):
    """Write `d = g * r` as a copy that is multiplied in place."""
    lines = []
    for line in text.splitlines():
        tree = ast.parse(line).body[0]
        value = getattr(tree, "value", None)
        tag = line.partition("  #")[2]
        is_product = isinstance(value, ast.BinOp) and isinstance(value.op, (ast.Mult, ast.Div))
        if isinstance(tree, ast.Assign) and is_product and ast.unparse(value.left) != "g":
            target = ast.unparse(tree.targets[0])
            sign = "*=" if isinstance(value.op, ast.Mult) else "/="
            lines.append(f"{target} = np.array({ast.unparse(value.left)})")
            tail = f"  #{tag}" if tag else ""
            lines.append(f"{target} {sign} {ast.unparse(value.right)}{tail}")
        else:
            lines.append(line)
    return "\n".join(lines)


def _rewritten(transformer):
    def style(text):
        lines = []
        for line in text.splitlines():
            tag = line.partition("  #")[2]
            tree = ast.fix_missing_locations(transformer().visit(ast.parse(line)))
            lines.append(ast.unparse(tree) + (f"  #{tag}" if tag else ""))
        return "\n".join(lines)

    return style


STYLES = {
    "dot": _rewritten(_Dots),
    "einsum": _rewritten(_Sums),
    "turned": _rewritten(_Turned),
    "in_place": _in_place,
}
