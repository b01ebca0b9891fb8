"""The code of a call checks arguments, makes results, and calls the function between the two.

It is ``PyObject *call(PyObject *self, PyObject **given, Py_ssize_t count)``, which Python calls as
it calls its own functions. It is given three objects: a tuple of arguments, a tuple of arrays that
are read besides them, and where results shall go, or None. It returns

- the results in new arrays, or where they should go;
- None if an argument is not exactly as expected, if the results are in doubt, or if another thread
  is inside: nothing is wrong then, but what is to be done is decided in Python;
- NULL after an exception.

No code of the user's runs before the function has been evaluated, and no other thread does, unless
the function takes long. What was checked therefore holds until then; what a list or a dict might
drop in the meantime is held.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ....core.annotations import Tree
from ..machine import ATTRIBUTES
from . import call_table as table
from . import object_layout as layout
from .call_helpers import HELPERS
from .leaf import Leaf


def write_call(
    takes: Tree,
    gives: Tree,
    arguments: Sequence[Leaf],
    results: Sequence[Leaf],
    *,
    releases_lock: bool,
) -> str:
    """Return a module in LLVM's language with the function ``call``.

    Parameters
    ----------
    takes, gives : tree
        The structure of the arguments, a pair of tuples, and of the results: the position of each
        leaf stands in its place.
    arguments, results : sequence of Leaf
    releases_lock : bool
        Whether other threads run while the function is evaluated.
    """
    writer = _CallWriter(arguments, results)
    writer.write(takes, gives, releases_lock)
    return "\n".join([HELPERS, *writer.lines, ATTRIBUTES, ""])


class _CallWriter:
    """Writes one function from top to bottom.

    Memory on the stack has the addresses of all entries, arguments first; the new arrays and
    numbers that are results, each until it stands in the tree of results; what is held of lists
    and dicts; where results should go; and a number for each Python integer or flag and each result
    without axes.
    """

    def __init__(self, arguments: Sequence[Leaf], results: Sequence[Leaf]) -> None:
        self.arguments, self.results = arguments, results
        self.leaves = [*arguments, *results]
        self.lines: list[str] = []
        self._count = self._keys = 0

    def write(self, takes: Tree, gives: Tree, releases_lock: bool) -> None:
        """Write the function."""
        self._begin()
        self._read_tuple(takes[0], self._given(0), is_held=False)
        self._read_tuple(takes[1], self._given(1), is_held=False)
        of_results = self._keys
        out = self._given(2)
        is_new = self._value(f"icmp eq ptr {out}, {self._word('None')}")
        self._line(f"br i1 {is_new}, label %new, label %old")
        self._label("old")
        self._read(gives, out, first=len(self.arguments), is_held=False)
        is_shared = self._look_for_overlap()
        # A result that may overwrite what is still to be read is computed elsewhere, and copied.
        self._line(f"br i1 {is_shared}, label %new, label %run")
        self._label("new")
        self._make_results()
        self._line("br label %run")
        self._label("run")
        self._evaluate(releases_lock)
        self._line(f"br i1 {is_new}, label %tree, label %written")
        self._label("written")
        self._copy_back()
        self._call("void", "Py_IncRef", out)
        written_label = self._label_now
        self._line("br label %done")
        self._label("tree")
        self._make_scalars()
        self._keys = of_results
        root = self._tree(gives)
        tree_label = self._label_now
        self._line("br label %done")
        self._end(out, written_label, root, tree_label)

    def _begin(self) -> None:
        leaves, results = len(self.leaves), len(self.results)
        self.lines += [
            "define ptr @call(ptr %self, ptr %given, i64 %count) #0 {",
            f"  %entries = alloca [{leaves + 1} x ptr]",
            f"  %numbers = alloca [{leaves + 1} x i64]",
            f"  %made = alloca [{results + 1} x ptr]",
            f"  %held = alloca [{leaves + 1} x ptr]",
            f"  %targets = alloca [{results + 1} x ptr]",
            "  %is.shared = alloca i1",
            "  %flag = alloca i8",
            "  %position = alloca i64",
            "  %key = alloca ptr",
            "  %item = alloca ptr",
            "  %overflow = alloca i32",
        ]
        self._clear("%made", results)
        self._clear("%held", leaves)
        self._line("store i1 false, ptr %is.shared")
        # `self` is an array of objects, the first of which is the table.
        objects = self._load("%self", layout.ENTRIES)
        self._line(f"%array = load ptr, ptr {objects}")
        self._line(f"%table.at = getelementptr i8, ptr %array, i64 {layout.ENTRIES}")
        self._line("%table = load ptr, ptr %table.at")
        self._demand(self._value("icmp eq i64 %count, 3"))

    def _end(self, out: str, written_label: str, root: str, tree_label: str) -> None:
        count = len(self.results)
        self._label("unfit")
        self._give_up("%made", count)
        none = self._word("None")
        self._call("void", "Py_IncRef", none)
        self._line("br label %done")
        self._label("failed.tree")
        self._call("void", "Py_DecRef", root)
        self._line("br label %failed")
        self._label("failed")
        self._give_up("%made", count)
        self._line("br label %done")
        self._label("done")
        found = self._value(
            f"phi ptr [{none}, %unfit], [null, %failed], [{out}, %{written_label}], "
            f"[{root}, %{tree_label}]"
        )
        self._give_up("%held", len(self.leaves))
        self.lines += [f"  ret ptr {found}", "}"]

    # --- the arguments, and where results shall go

    def _read(self, tree: Tree, value: str, *, first: int = 0, is_held: bool) -> None:
        """Check an object against a tree, and note the addresses of its leaves."""
        if isinstance(tree, tuple):
            self._read_tuple(tree, value, first=first, is_held=is_held)
        elif isinstance(tree, list):
            self._demand_items(value, "list", len(tree))
            items = self._load(value, layout.ITEMS_OF_LIST)
            for n, part in enumerate(tree):
                self._read(part, self._load(items, 8 * n), first=first, is_held=True)
        elif isinstance(tree, dict):
            self._read_dict(tree, value, first)
        else:
            self._read_leaf(first + tree, value, is_held)

    def _read_tuple(
        self, tree: Sequence[Tree], value: str, *, first: int = 0, is_held: bool
    ) -> None:
        self._demand_items(value, "tuple", len(tree))
        for n, part in enumerate(tree):
            item = self._load(value, layout.ITEMS_OF_TUPLE + 8 * n)
            self._read(part, item, first=first, is_held=is_held)

    def _read_dict(self, tree: dict[object, Tree], value: str, first: int) -> None:
        self._demand_items(value, "dict", len(tree))
        self._line("store i64 0, ptr %position")
        # All items are read before a dict among them moves the position.
        items = []
        for _ in tree:
            found = self._call("i32", "PyDict_Next", value, "%position", "%key", "%item")
            self._demand(self._value(f"icmp ne i32 {found}, 0"))
            items.append((self._value("load ptr, ptr %key"), self._value("load ptr, ptr %item")))
        for (key, item), part in zip(items, tree.values(), strict=True):
            self._demand(self._value(f"icmp eq ptr {key}, {self._next_key()}"))
            self._read(part, item, first=first, is_held=True)

    def _read_leaf(self, position: int, value: str, is_held: bool) -> None:
        leaf = self.leaves[position]
        read = {"float": self._read_float, "int": self._read_int, "bool": self._read_flag}
        entries = (
            read[leaf.form](position, value)
            if leaf.form in read
            else self._value(f"call ptr @entries(ptr {value}, ptr {self._record(position)})")
        )
        self._demand(self._value(f"icmp ne ptr {entries}, null"))
        self._store(entries, "%entries", position)
        if is_held:
            self._store(value, "%held", position)
            self._call("void", "Py_IncRef", value)

    def _read_float(self, position: int, value: str) -> str:
        self._demand_type(value, "float")
        return self._value(f"getelementptr i8, ptr {value}, i64 {layout.NUMBER}")

    def _read_int(self, position: int, value: str) -> str:
        self._demand_type(value, "int")
        number = self._call("i64", "PyLong_AsLongLongAndOverflow", value, "%overflow")
        overflow = self._value("load i32, ptr %overflow")
        self._demand(self._value(f"icmp eq i32 {overflow}, 0"))
        at = self._at("%numbers", position)
        self._line(f"store i64 {number}, ptr {at}")
        return at

    def _read_flag(self, position: int, value: str) -> str:
        is_true = self._value(f"icmp eq ptr {value}, {self._word('True')}")
        is_false = self._value(f"icmp eq ptr {value}, {self._word('False')}")
        self._demand(self._value(f"or i1 {is_true}, {is_false}"))
        at = self._at("%numbers", position)
        byte = self._value(f"zext i1 {is_true} to i8")
        self._line(f"store i8 {byte}, ptr {at}")
        return at

    def _look_for_overlap(self) -> str:
        """Refuse results in one place; return whether one shares memory with an argument."""
        first, sizes = len(self.arguments), self._word("sizes")
        shared = "false"
        for n in range(first, len(self.leaves)):
            look = f"call i1 @overlap(ptr %entries, ptr {sizes}, i64 {n}"
            with_result = self._value(f"{look}, i64 {first}, i64 {n})")
            self._demand(self._value(f"xor i1 {with_result}, true"))
            with_argument = self._value(f"{look}, i64 0, i64 {first})")
            shared = self._value(f"or i1 {shared}, {with_argument}")
            entries = self._value(f"load ptr, ptr {self._at('%entries', n)}")
            self._store(entries, "%targets", n - first)
        self._line(f"store i1 {shared}, ptr %is.shared")
        return shared

    # --- the function

    def _evaluate(self, releases_lock: bool) -> None:
        workspace, evaluate = self._word("workspace"), self._word("evaluate")
        pointers = [
            self._value(f"load ptr, ptr {self._at('%entries', n)}") for n in range(len(self.leaves))
        ]
        typed = ", ".join(f"ptr {pointer}" for pointer in [*pointers, "%flag", workspace])
        if releases_lock:
            # There is one workspace. Nobody else looks at this word without Python's lock.
            busy = f"getelementptr i64, ptr %table, i64 {table.place('is_busy')}"
            at = self._value(busy)
            is_busy = self._value(f"load i64, ptr {at}")
            self._demand(self._value(f"icmp eq i64 {is_busy}, 0"))
            self._line(f"store i64 1, ptr {at}")
            thread = self._call("ptr", "PyEval_SaveThread")
            self._line(f"call void {evaluate}({typed})")
            self._call("void", "PyEval_RestoreThread", thread)
            self._line(f"store i64 0, ptr {at}")
        else:
            self._line(f"call void {evaluate}({typed})")
        flag = self._value("load i8, ptr %flag")
        self._demand(self._value(f"icmp eq i8 {flag}, 0"))

    # --- the results

    def _make_results(self) -> None:
        first = len(self.arguments)
        for n, leaf in enumerate(self.results):
            if leaf.form == "scalar":
                self._store(self._at("%numbers", first + n), "%entries", first + n)
                continue
            new, hold = self._word("new_array"), self._word("Py_IncRef")
            record = self._record(first + n)
            array = self._value(f"call ptr @made(ptr {record}, ptr {new}, ptr {hold})")
            self._demand(self._value(f"icmp ne ptr {array}, null"), "failed")
            self._store(array, "%made", n)
            self._store(self._load(array, layout.ENTRIES), "%entries", first + n)

    def _make_scalars(self) -> None:
        first = len(self.arguments)
        for n, leaf in enumerate(self.results):
            if leaf.form != "scalar":
                continue
            dtype = self._load(self._record(first + n), 8 * table.DTYPE)
            number = self._at("%numbers", first + n)
            scalar = self._call("ptr", "new_scalar", number, dtype, "null")
            self._demand(self._value(f"icmp ne ptr {scalar}, null"), "failed")
            self._store(scalar, "%made", n)

    def _tree(self, tree: Tree) -> str:
        """Write the making of the results' tree, and return it.

        A container is put into the one around it while it is empty, so that the outermost owns all.
        """
        if not isinstance(tree, (list, tuple, dict)):
            root = self._taken(tree)
            self._line("br label %root")
            self._label("root")
            return root
        root = self._container(tree)
        self._demand(self._value(f"icmp ne ptr {root}, null"), "failed")
        self._fill(root, tree)
        return root

    def _container(self, tree: Tree) -> str:
        if isinstance(tree, dict):
            return self._call("ptr", "PyDict_New")
        function = "PyTuple_New" if isinstance(tree, tuple) else "PyList_New"
        return self._call("ptr", function, f"i64 {len(tree)}")

    def _fill(self, container: str, tree: Tree) -> None:
        if isinstance(tree, dict):
            for part in tree.values():
                key, item = self._next_key(), self._item(part)
                failed = self._call("i32", "PyDict_SetItem", container, key, item)
                self._call("void", "Py_DecRef", item)  # the dict has its own
                self._demand(self._value(f"icmp eq i32 {failed}, 0"), "failed.tree")
                self._fill_item(item, part)
            return
        function = "PyTuple_SetItem" if isinstance(tree, tuple) else "PyList_SetItem"
        for n, part in enumerate(tree):
            item = self._item(part)
            failed = self._call("i32", function, container, f"i64 {n}", item)
            self._demand(self._value(f"icmp eq i32 {failed}, 0"), "failed.tree")
            self._fill_item(item, part)

    def _item(self, part: Tree) -> str:
        if not isinstance(part, (list, tuple, dict)):
            return self._taken(part)
        item = self._container(part)
        self._demand(self._value(f"icmp ne ptr {item}, null"), "failed.tree")
        return item

    def _fill_item(self, item: str, part: Tree) -> None:
        if isinstance(part, (list, tuple, dict)):
            self._fill(item, part)

    def _copy_back(self) -> None:
        """Copy results that were computed elsewhere to where they should go."""
        is_shared = self._value("load i1, ptr %is.shared")
        self._line(f"br i1 {is_shared}, label %copy, label %in.place")
        self._label("copy")
        first, sizes = len(self.arguments), self._word("sizes")
        for n in range(len(self.results)):
            start = self._value(f"load ptr, ptr {self._at('%entries', first + n)}")
            target = self._value(f"load ptr, ptr {self._at('%targets', n)}")
            size = self._value(f"load i64, ptr {self._at(sizes, first + n)}")
            self._line(f"call void @copy(ptr {start}, ptr {target}, i64 {size})")
        self._give_up("%made", len(self.results))
        self._line("br label %in.place")
        self._label("in.place")

    def _taken(self, position: int) -> str:
        """Return a result, which somebody else owns from now on."""
        at = self._at("%made", position)
        result = self._value(f"load ptr, ptr {at}")
        self._line(f"store ptr null, ptr {at}")
        return result

    # --- words and instructions

    def _word(self, name: str) -> str:
        return self._load("%table", 8 * table.place(name))

    def _record(self, leaf: int) -> str:
        return self._load("%table", 8 * table.place_of_record(leaf))

    def _next_key(self) -> str:
        self._keys += 1
        return self._load("%table", 8 * table.place_of_key(self._keys - 1, len(self.leaves)))

    def _given(self, n: int) -> str:
        return self._load("%given", 8 * n)

    def _demand_items(self, value: str, kind: str, count: int) -> None:
        self._demand(
            self._value(f"call i1 @has_items(ptr {value}, ptr {self._word(kind)}, i64 {count})")
        )

    def _demand_type(self, value: str, kind: str) -> None:
        found = self._load(value, layout.TYPE)
        self._demand(self._value(f"icmp eq ptr {found}, {self._word(kind)}"))

    def _demand(self, condition: str, otherwise: str = "unfit") -> None:
        """Go on only if a condition holds."""
        label = f"on{self._fresh()}"
        self._line(f"br i1 {condition}, label %{label}, label %{otherwise}")
        self._label(label)

    def _give_up(self, objects: str, count: int) -> None:
        release = self._word("Py_DecRef")
        self._line(f"call void @give_up(ptr {objects}, i64 {count}, ptr {release})")

    def _clear(self, pointers: str, count: int) -> None:
        for n in range(count):
            self._store("null", pointers, n)

    def _store(self, value: str, pointers: str, n: int) -> None:
        self._line(f"store ptr {value}, ptr {self._at(pointers, n)}")

    def _at(self, pointers: str, n: int) -> str:
        return self._value(f"getelementptr i64, ptr {pointers}, i64 {n}")

    def _load(self, pointer: str, offset: int) -> str:
        at = self._value(f"getelementptr i8, ptr {pointer}, i64 {offset}")
        return self._value(f"load ptr, ptr {at}")

    def _call(self, result: str, function: str, *arguments: str) -> str:
        """Call one of Python's or NumPy's functions; arguments are pointers unless they say more."""
        address = self._word(function)
        typed = ", ".join(x if " " in x else f"ptr {x}" for x in arguments)
        if result == "void":
            self._line(f"call void {address}({typed})")
            return ""
        return self._value(f"call {result} {address}({typed})")

    def _value(self, instruction: str) -> str:
        name = f"%v{self._fresh()}"
        self._line(f"{name} = {instruction}")
        return name

    def _fresh(self) -> int:
        self._count += 1
        return self._count

    def _line(self, text: str) -> None:
        self.lines.append(f"  {text}")

    def _label(self, name: str) -> None:
        self.lines.append(f"{name}:")
        self._label_now = name
