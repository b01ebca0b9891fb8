"""The code of a call checks arguments, makes results, and evaluates a function between the two.

It is ``PyObject *call(PyObject *self, PyObject **given, Py_ssize_t count)``, which Python calls as
it calls its own functions. It is given three objects: a tuple of arguments, a tuple of arrays that
are read besides them, and where results shall go, or None. It returns

- the results in new arrays, or where they should go;
- None if an argument is not exactly as planned, if the results are in doubt, or if another thread
  is inside: nothing is wrong then, but what is to be done is decided in Python;
- NULL after an exception.
"""

from __future__ import annotations

from . import object_layout as layout
from .arguments_code import ARGUMENTS
from .frame import FRAME, TABLE
from .results_code import RESULTS
from .words import entry, load

_CALL = f"""
; Give up the references in some words.
define internal void @give_up(ptr %objects, i64 %count, ptr %release) #0 {{
entry:
  br label %object
object:
  %n = phi i64 [0, %entry], [%n.next, %next]
  %is.done = icmp eq i64 %n, %count
  br i1 %is.done, label %done, label %look
look:
{entry("%held", "%objects", "%n")}
  %is.none = icmp eq ptr %held, null
  br i1 %is.none, label %next, label %give
give:
  store ptr null, ptr %held.at
  call void %release(ptr %held)
  br label %next
next:
  %n.next = add i64 %n, 1
  br label %object
done:
  ret void
}}

; Set some words to null.
define internal void @clear(ptr %words, i64 %count) #0 {{
entry:
  br label %word
word:
  %n = phi i64 [0, %entry], [%n.next, %set]
  %is.done = icmp eq i64 %n, %count
  br i1 %is.done, label %done, label %set
set:
  %at = getelementptr ptr, ptr %words, i64 %n
  store ptr null, ptr %at
  %n.next = add i64 %n, 1
  br label %word
done:
  ret void
}}

; Whether the function was evaluated, and its results are not in doubt.
define internal i1 @run(ptr %frame) #0 {{
  %flag = alloca i8
{FRAME.load("%table", "%frame", "table")}
{FRAME.load("%entries", "%frame", "entries")}
{TABLE.load("%evaluate", "%table", "evaluate")}
{TABLE.load("%workspace", "%table", "workspace")}
{TABLE.load("%releases", "%table", "releases_lock", "i64")}
  %is.short = icmp eq i64 %releases, 0
  br i1 %is.short, label %short, label %long
short:
  call void %evaluate(ptr %entries, ptr %flag, ptr %workspace)
  br label %evaluated
long:
; There is one workspace. Whoever looks at this word has Python's lock.
{TABLE.load("%busy", "%table", "is_busy", "i64")}
  %is.free = icmp eq i64 %busy, 0
  br i1 %is.free, label %enter, label %undecided
enter:
  store i64 1, ptr %busy.at
{TABLE.load("%release", "%table", "PyEval_SaveThread")}
{TABLE.load("%acquire", "%table", "PyEval_RestoreThread")}
  %thread = call ptr %release()
  call void %evaluate(ptr %entries, ptr %flag, ptr %workspace)
  call void %acquire(ptr %thread)
  store i64 0, ptr %busy.at
  br label %evaluated
evaluated:
  %doubt = load i8, ptr %flag
  %is.certain = icmp eq i8 %doubt, 0
  ret i1 %is.certain
undecided:
  ret i1 false
}}

define ptr @call(ptr %self, ptr %given, i64 %count) #0 {{
; `self` is an array of objects, the first of which is the table, an array, too.
{load("%objects", "%self", layout.ENTRIES)}
  %array = load ptr, ptr %objects
{load("%table", "%array", layout.ENTRIES)}
{TABLE.load("%refer", "%table", "Py_IncRef")}
{TABLE.load("%release", "%table", "Py_DecRef")}
{TABLE.load("%None", "%table", "None")}
  %is.three = icmp eq i64 %count, 3
  br i1 %is.three, label %begin, label %refuse
begin:
{TABLE.load("%arguments", "%table", "arguments", "i64")}
{TABLE.load("%results", "%table", "results", "i64")}
  %leaves = add i64 %arguments, %results
  %frame = alloca i64, i64 {FRAME.count}
  %entries = alloca ptr, i64 %leaves
  %numbers = alloca i64, i64 %leaves
  %made = alloca ptr, i64 %leaves
  %held = alloca ptr, i64 %leaves
  %targets = alloca ptr, i64 %leaves
  call void @clear(ptr %made, i64 %leaves)
  call void @clear(ptr %held, i64 %leaves)
{FRAME.at("%frame.table", "%frame", "table")}
  store ptr %table, ptr %frame.table
{FRAME.at("%frame.plan", "%frame", "plan")}
{FRAME.at("%frame.leaf", "%frame", "leaf")}
  store i64 0, ptr %frame.leaf
{FRAME.at("%frame.entries", "%frame", "entries")}
  store ptr %entries, ptr %frame.entries
{FRAME.at("%frame.numbers", "%frame", "numbers")}
  store ptr %numbers, ptr %frame.numbers
{FRAME.at("%frame.made", "%frame", "made")}
  store ptr %made, ptr %frame.made
{FRAME.at("%frame.held", "%frame", "held")}
  store ptr %held, ptr %frame.held
{FRAME.at("%frame.targets", "%frame", "targets")}
  store ptr %targets, ptr %frame.targets
{TABLE.load("%plan.1", "%table", "plan_of_arguments")}
  store ptr %plan.1, ptr %frame.plan
{entry("%given.1", "%given", "0")}
  %fits.1 = call i1 @read(ptr %given.1, ptr %frame, i1 false)
  br i1 %fits.1, label %state, label %unfit
state:
{TABLE.load("%plan.2", "%table", "plan_of_state")}
  store ptr %plan.2, ptr %frame.plan
{entry("%given.2", "%given", "1")}
  %fits.2 = call i1 @read(ptr %given.2, ptr %frame, i1 false)
  br i1 %fits.2, label %out, label %unfit
out:
{TABLE.load("%plan.3", "%table", "plan_of_results")}
  store ptr %plan.3, ptr %frame.plan
{entry("%out.given", "%given", "2")}
  %is.new = icmp eq ptr %out.given, %None
  br i1 %is.new, label %make, label %place
place:
  %fits.3 = call i1 @read(ptr %out.given, ptr %frame, i1 false)
  br i1 %fits.3, label %placed, label %unfit
placed:
  %placed.how = call i32 @place_results(ptr %frame)
  switch i32 %placed.how, label %unfit [i32 0, label %run i32 1, label %make]
make:
  %copies = phi i1 [false, %out], [true, %placed]
  %has.results = call i1 @make_results(ptr %frame)
  br i1 %has.results, label %run, label %failed
run:
  %is.copied = phi i1 [false, %placed], [%copies, %make]
  %is.certain = call i1 @run(ptr %frame)
  br i1 %is.certain, label %hand.over, label %unfit
hand.over:
  br i1 %is.new, label %new, label %written
new:
  store i64 %arguments, ptr %frame.leaf
  %tree = call ptr @build(ptr %frame)
  br label %done
written:
  br i1 %is.copied, label %copy, label %in.place
copy:
  call void @copy_results(ptr %frame)
  br label %in.place
in.place:
  call void %refer(ptr %out.given)
  br label %done
unfit:
  call void %refer(ptr %None)
  br label %done
failed:
  br label %done
done:
  %found = phi ptr [%tree, %new], [%out.given, %in.place], [%None, %unfit], [null, %failed]
  call void @give_up(ptr %made, i64 %leaves, ptr %release)
  call void @give_up(ptr %held, i64 %leaves, ptr %release)
  ret ptr %found
refuse:
  call void %refer(ptr %None)
  ret ptr %None
}}
"""

CALL = "\n".join([ARGUMENTS, RESULTS, _CALL, "attributes #0 = { nounwind }", ""])
