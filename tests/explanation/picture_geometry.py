"""What lies where in a drawing, read off its SVG as a viewer would show it."""

import re
import unicodedata
from itertools import combinations, pairwise
from xml.etree import ElementTree

SVG = "{http://www.w3.org/2000/svg}"
_SIZES = {"title": 12, "heading": 13, "end": 10}
_STEPS = 24  # straight pieces that stand for a curve


class Picture:
    """The texts, lines, frames and cards of a drawing.

    Boxes are (left, top, right, bottom); lines are lists of points.
    """

    def __init__(self, svg):
        self.tree = ElementTree.fromstring(svg)
        left, top, width, height = map(float, self.tree.get("viewBox").split())
        self.box = left, top, left + width, top + height
        self.texts = [(text.text, _text_box(text)) for text in self.tree.iter(f"{SVG}text")]
        rects = [(rect.get("class"), _rect(rect)) for rect in self.tree.iter(f"{SVG}rect")]
        self.frames = [box for kind, box in rects if kind == "frame"]
        self.cards = [box for kind, box in rects if kind == "outline"]
        paths = [path for path in self.tree.iter(f"{SVG}path") if "hover" not in path.get("class")]
        self.lines = [_points(path.get("d")) for path in paths]

    def crossed_texts(self):
        """Yield the texts that a line, a frame or another text touches, and what does."""
        for text, box in self.texts:
            if any(_cuts(line, box) for line in self.lines):
                yield text, "line"
            if any(_cuts(_outline(frame), box) for frame in self.frames):
                yield text, "frame"
            if any(_cuts(_outline(card), box) for card in self.cards):
                yield text, "outline"
        for (text, box), (other, place) in combinations(self.texts, 2):
            if _meet(box, place):
                yield text, other

    def crossed_frames(self):
        """Yield pairs of frames of which neither holds the other and that touch."""
        for one, other in combinations(self.frames, 2):
            if _meet(one, other) and not _holds(one, other) and not _holds(other, one):
                yield one, other


def _text_box(text):
    kinds = text.get("class").split()
    size = next((_SIZES[kind] for kind in kinds if kind in _SIZES), 11)
    # A letter of DejaVu Sans Mono is 0.602 of the size wide, a Chinese one as wide as the size.
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text.text)
    width = size * (0.602 * (len(text.text) - wide) + wide)
    x, y = float(text.get("x")), float(text.get("y"))
    left = x - width if "end" in kinds else x
    return left, y - 0.76 * size, left + width, y + 0.2 * size


def _rect(rect):
    x, y, width, height = (float(rect.get(name)) for name in ("x", "y", "width", "height"))
    return x, y, x + width, y + height


def _points(d):
    """Return the points of a path of M, V, v, h, l, z and C commands."""
    found, at = [], (0.0, 0.0)
    for command, text in re.findall(r"([MVCHhvlz])([^MVCHhvlz]*)", d):
        numbers = [float(x) for x in re.findall(r"-?[\d.]+", text)]
        if command == "C":
            found += _bezier(at, *zip(numbers[::2], numbers[1::2], strict=True))
        elif command != "z":
            found.append(_moved(command, at, numbers))
        at = found[-1]
    return found


def _moved(command, at, numbers):
    return {
        "M": lambda: tuple(numbers),
        "V": lambda: (at[0], numbers[0]),
        "H": lambda: (numbers[0], at[1]),
        "h": lambda: (at[0] + numbers[0], at[1]),
        "v": lambda: (at[0], at[1] + numbers[0]),
        "l": lambda: (at[0] + numbers[0], at[1] + numbers[1]),
    }[command]()


def _bezier(a, b, c, d):
    for step in range(1, _STEPS + 1):
        t = step / _STEPS
        weights = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3
        yield tuple(
            sum(w * p[k] for w, p in zip(weights, (a, b, c, d), strict=True)) for k in (0, 1)
        )


def _outline(box):
    left, top, right, bottom = box
    return [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]


def _cuts(line, box):
    """Return whether a line has a part inside a box."""
    xs, ys = zip(*line, strict=True)
    if min(xs) > box[2] or max(xs) < box[0] or min(ys) > box[3] or max(ys) < box[1]:
        return False
    return any(_passes(a, b, box) for a, b in pairwise(line))


def _passes(a, b, box):
    low, high = 0.0, 1.0
    for k in (0, 1):
        start, step = a[k], b[k] - a[k]
        near, far = box[k], box[k + 2]
        if step == 0:
            if not near < start < far:
                return False
            continue
        ends = sorted(((near - start) / step, (far - start) / step))
        low, high = max(low, ends[0]), min(high, ends[1])
    return low < high


def _meet(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _holds(outer, inner):
    return (
        outer[0] <= inner[0]
        and outer[1] <= inner[1]
        and inner[2] <= outer[2]
        and inner[3] <= outer[3]
    )
