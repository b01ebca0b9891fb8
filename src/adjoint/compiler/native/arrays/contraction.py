"""A contraction makes one fused instruction of a product and the sum that it enters.

A fused multiply-add takes the time of one instruction and rounds once, so its product is not
rounded. Two cases are left alone, because there a difference of equal products must be exactly 0:

* both terms are products, as in x² - y² with x = y;
* the product is computed elsewhere as well, perhaps rounded, as in max(x y) - x y.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from ..formats import FORMATS
from ..kernel import Element, Stage
from .loop_nest import LoopNest


def contracted(nest: LoopNest) -> LoopNest:
    """Return a nest in which every product that only one sum needs is fused with it."""
    elements = nest.elements()
    uses = Counter(arg for element in elements for arg in element.args)
    uses.update(x for store in nest.stores for x in (store.element, *store.indices))
    uses.update([] if nest.factor is None else [nest.factor])
    uses.update(nest.shared)
    # Operands come before the operations on them, so that their replacements are known.
    new: dict[Element, Element] = {}
    for element in elements:
        new[element] = _contracted(element, new, uses)
    stores = tuple(
        replace(store, element=new[store.element], indices=tuple(new[i] for i in store.indices))
        for store in nest.stores
    )
    factor = None if nest.factor is None else new[nest.factor]
    return replace(nest, stores=stores, factor=factor)


def _contracted(element: Element, new: dict[Element, Element], uses: Counter[Element]) -> Element:
    args = element.args
    if element.operation in ("add", "subtract") and element.kind in FORMATS:
        for position, other in ((0, 1), (1, 0)):
            product, term = args[position], args[other]
            if _is_product(product) and uses[product] == 1 and not _is_product(term):
                return _fused(element, product, term, position, new)
    if all(new[arg] is arg for arg in args):
        return element
    args = tuple(new[arg] for arg in args)
    return Element(element.operation, args, element.kind, element.stage, element.payload)


def _is_product(element: Element) -> bool:
    return element.operation in ("multiply", "square")


def _fused(
    element: Element, product: Element, term: Element, position: int, new: dict[Element, Element]
) -> Element:
    """Return x y + z, x y - z or z - x y."""
    first, second = new[product.args[0]], new[product.args[-1]]
    third = new[term]
    if element.operation == "subtract":
        if position == 0:
            third = _negative(third)
        else:
            first = _negative(first)
    return Element("times_plus", (first, second, third), element.kind, Stage.BEFORE)


def _negative(element: Element) -> Element:
    return Element("negative", (element,), element.kind, Stage.BEFORE)
