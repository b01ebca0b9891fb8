"""The corpus: right layers in many forms and styles, and wrong ones made from them by mutation."""

from __future__ import annotations

import dataclasses

from . import oracle
from .forms import Layer, forms_of
from .kinds import KINDS
from .mutations import mutants
from .styles import STYLES


def right_layers():
    """Return the right layers, in a fixed order."""
    layers = [Layer(kind, form, kind.backward) for kind in KINDS for form in forms_of(kind)]
    for kind in KINDS:
        for number, (style, write) in enumerate(STYLES.items()):
            backward = write(kind.backward)
            # Their factors on the left are smaller than the products: nothing to multiply in place.
            small = style == "in_place" and kind.name in ("gelu", "convolution")
            if backward != kind.backward and not small:
                form = forms_of(kind)[number % 3]
                layers.append(Layer(kind, form, backward, style))
    return layers


def wrong_layers(every=1):
    """Return distinct wrong layers, and how many mutants were dropped as right after all.

    Only one in ``every`` mutants is looked at.
    """
    found, dropped, seen = [], 0, set()
    for number, layer in enumerate(right_layers()):
        if layer.style != "plain":
            continue
        for count, mutant in enumerate(mutants(layer)):
            # Statement mutants are dealt out over the forms; those of a form are all taken.
            if not mutant.twist and (count + number) % len(forms_of(layer.kind)):
                continue
            source = mutant.source()
            if source in seen or source == layer.source():
                continue
            seen.add(source)
            if len(seen) % every:
                continue
            wrong = oracle.wrong(mutant)
            if not wrong:
                dropped += 1
                continue
            label = {**mutant.label, "wrong": sorted(wrong)}
            found.append(dataclasses.replace(mutant, label=label))
    return found, dropped
