"""The code of results makes new arrays, or looks at those that are given, and builds the tree."""

from __future__ import annotations

from . import object_layout as layout
from .call_table import KINDS
from .frame import FRAME, RECORD_WORDS, TABLE
from .words import entry, load

RESULTS = f"""
; Whether there is memory for all results: new arrays, and a number for one without axes.
define internal i1 @make_results(ptr %frame) #0 {{
entry:
{FRAME.load("%table", "%frame", "table")}
{FRAME.load("%entries", "%frame", "entries")}
{FRAME.load("%numbers", "%frame", "numbers")}
{FRAME.load("%made", "%frame", "made")}
{TABLE.load("%records", "%table", "records")}
{TABLE.load("%first", "%table", "arguments", "i64")}
{TABLE.load("%count", "%table", "results", "i64")}
{TABLE.load("%refer", "%table", "Py_IncRef")}
{TABLE.load("%new", "%table", "new_array")}
  %stop = add i64 %first, %count
  br label %result
result:
  %n = phi i64 [%first, %entry], [%n.next, %next]
  %is.done = icmp eq i64 %n, %stop
  br i1 %is.done, label %all, label %look
look:
{entry("%record", "%records", "%n")}
{RECORD_WORDS.load("%axes", "%record", "axes", "i32")}
  %is.number = icmp eq i32 %axes, 0
  %number = getelementptr i64, ptr %numbers, i64 %n
  br i1 %is.number, label %next, label %make
make:
{RECORD_WORDS.load("%type", "%record", "type")}
{RECORD_WORDS.load("%dtype", "%record", "dtype")}
{RECORD_WORDS.at("%shape", "%record", "shape")}
  call void %refer(ptr %dtype)  ; NumPy takes this reference over
  %array = call ptr %new(ptr %type, ptr %dtype, i32 %axes, ptr %shape,
                         ptr null, ptr null, i32 0, ptr null)
  %is.made = icmp ne ptr %array, null
  br i1 %is.made, label %keep, label %failed
keep:
  %made.n = getelementptr ptr, ptr %made, i64 %n
  store ptr %array, ptr %made.n
{load("%of.array", "%array", layout.ENTRIES)}
  br label %next
next:
  %start = phi ptr [%number, %look], [%of.array, %keep]
  %entries.n = getelementptr ptr, ptr %entries, i64 %n
  store ptr %start, ptr %entries.n
  %n.next = add i64 %n, 1
  br label %result
all:
  ret i1 true
failed:
  ret i1 false
}}

; Whether the memory of a leaf overlaps that of one of the leaves from a first to below a last.
define internal i1 @overlaps(ptr %entries, ptr %sizes, i64 %n, i64 %first, i64 %last) #0 {{
entry:
{entry("%start", "%entries", "%n")}
{entry("%size", "%sizes", "%n", "i64")}
  %stop = getelementptr i8, ptr %start, i64 %size
  br label %leaf
leaf:
  %k = phi i64 [%first, %entry], [%k.next, %next]
  %is.done = icmp eq i64 %k, %last
  br i1 %is.done, label %none, label %compare
compare:
{entry("%k.start", "%entries", "%k")}
{entry("%k.size", "%sizes", "%k", "i64")}
  %k.stop = getelementptr i8, ptr %k.start, i64 %k.size
  %starts.before = icmp ult ptr %start, %k.stop
  %stops.after = icmp ult ptr %k.start, %stop
  %is.shared = and i1 %starts.before, %stops.after
  br i1 %is.shared, label %found, label %next
next:
  %k.next = add i64 %k, 1
  br label %leaf
found:
  ret i1 true
none:
  ret i1 false
}}

; Note where results shall go. Return 0 if they can be computed there, 1 if they would overwrite
; what is still to be read, and 2 if two of them have the same place.
define internal i32 @place_results(ptr %frame) #0 {{
entry:
{FRAME.load("%table", "%frame", "table")}
{FRAME.load("%entries", "%frame", "entries")}
{FRAME.load("%targets", "%frame", "targets")}
{TABLE.load("%sizes", "%table", "sizes")}
{TABLE.load("%first", "%table", "arguments", "i64")}
{TABLE.load("%count", "%table", "results", "i64")}
  %stop = add i64 %first, %count
  br label %result
result:
  %n = phi i64 [%first, %entry], [%n.next, %place]
  %overwrites = phi i1 [false, %entry], [%overwrites.next, %place]
  %is.done = icmp eq i64 %n, %stop
  br i1 %is.done, label %all, label %look
look:
  %is.double = call i1 @overlaps(ptr %entries, ptr %sizes, i64 %n, i64 %first, i64 %n)
  br i1 %is.double, label %double, label %place
place:
  %is.argument = call i1 @overlaps(ptr %entries, ptr %sizes, i64 %n, i64 0, i64 %first)
  %overwrites.next = or i1 %overwrites, %is.argument
{entry("%start", "%entries", "%n")}
  %targets.n = getelementptr ptr, ptr %targets, i64 %n
  store ptr %start, ptr %targets.n
  %n.next = add i64 %n, 1
  br label %result
all:
  %found = zext i1 %overwrites to i32
  ret i32 %found
double:
  ret i32 2
}}

; Copy results to where they shall go.
define internal void @copy_results(ptr %frame) #0 {{
entry:
{FRAME.load("%table", "%frame", "table")}
{FRAME.load("%entries", "%frame", "entries")}
{FRAME.load("%targets", "%frame", "targets")}
{TABLE.load("%sizes", "%table", "sizes")}
{TABLE.load("%first", "%table", "arguments", "i64")}
{TABLE.load("%count", "%table", "results", "i64")}
  %stop = add i64 %first, %count
  br label %result
result:
  %n = phi i64 [%first, %entry], [%n.next, %copy]
  %is.done = icmp eq i64 %n, %stop
  br i1 %is.done, label %done, label %copy
copy:
{entry("%start", "%entries", "%n")}
{entry("%target", "%targets", "%n")}
{entry("%size", "%sizes", "%n", "i64")}
  call void @copy(ptr %start, ptr %target, i64 %size)
  %n.next = add i64 %n, 1
  br label %result
done:
  ret void
}}

; Copy some bytes, of memory that does not overlap.
define internal void @copy(ptr %from, ptr %to, i64 %size) #0 {{
entry:
  %words = lshr i64 %size, 3
  br label %word
word:
  %n = phi i64 [0, %entry], [%n.next, %move.word]
  %is.last = icmp eq i64 %n, %words
  br i1 %is.last, label %rest, label %move.word
move.word:
  %word.from = getelementptr i64, ptr %from, i64 %n
  %word.to = getelementptr i64, ptr %to, i64 %n
  %eight = load i64, ptr %word.from, align 1
  store i64 %eight, ptr %word.to, align 1
  %n.next = add i64 %n, 1
  br label %word
rest:
  %start = shl i64 %words, 3
  br label %byte
byte:
  %k = phi i64 [%start, %rest], [%k.next, %move.byte]
  %is.end = icmp eq i64 %k, %size
  br i1 %is.end, label %done, label %move.byte
move.byte:
  %byte.from = getelementptr i8, ptr %from, i64 %k
  %byte.to = getelementptr i8, ptr %to, i64 %k
  %one = load i8, ptr %byte.from
  store i8 %one, ptr %byte.to
  %k.next = add i64 %k, 1
  br label %byte
done:
  ret void
}}

; The tree of results as planned, or null after an exception.
define internal ptr @build(ptr %frame) #0 {{
entry:
{FRAME.load("%table", "%frame", "table")}
{TABLE.load("%release", "%table", "Py_DecRef")}
  %kind = call i64 @planned(ptr %frame)
  switch i64 %kind, label %leaf [
    i64 {KINDS.index("tuple")}, label %tuple
    i64 {KINDS.index("list")}, label %list
    i64 {KINDS.index("dict")}, label %dict
  ]
leaf:
  %result = call ptr @take_result(ptr %frame)
  ret ptr %result
tuple:
{TABLE.load("%new.tuple", "%table", "PyTuple_New")}
{TABLE.load("%set.in.tuple", "%table", "PyTuple_SetItem")}
  br label %sequence
list:
{TABLE.load("%new.list", "%table", "PyList_New")}
{TABLE.load("%set.in.list", "%table", "PyList_SetItem")}
  br label %sequence
sequence:
  %new = phi ptr [%new.tuple, %tuple], [%new.list, %list]
  %set = phi ptr [%set.in.tuple, %tuple], [%set.in.list, %list]
  %count = call i64 @planned(ptr %frame)
  %items = call ptr %new(i64 %count)
  %has.items = icmp ne ptr %items, null
  br i1 %has.items, label %item, label %failed
item:
  %n = phi i64 [0, %sequence], [%n.next, %item.next]
  %is.done = icmp eq i64 %n, %count
  br i1 %is.done, label %built, label %item.build
item.build:
  %part = call ptr @build(ptr %frame)
  %has.part = icmp ne ptr %part, null
  br i1 %has.part, label %item.put, label %lost
item.put:
  %put = call i32 %set(ptr %items, i64 %n, ptr %part)  ; takes the reference over
  %is.put = icmp eq i32 %put, 0
  br i1 %is.put, label %item.next, label %lost
item.next:
  %n.next = add i64 %n, 1
  br label %item
dict:
{TABLE.load("%new.dict", "%table", "PyDict_New")}
{TABLE.load("%set.in.dict", "%table", "PyDict_SetItem")}
  %dict.count = call i64 @planned(ptr %frame)
  %pairs = call ptr %new.dict()
  %has.pairs = icmp ne ptr %pairs, null
  br i1 %has.pairs, label %pair, label %failed
pair:
  %k = phi i64 [0, %dict], [%k.next, %pair.next]
  %is.end = icmp eq i64 %k, %dict.count
  br i1 %is.end, label %built, label %pair.build
pair.build:
  %key.number = call i64 @planned(ptr %frame)
  %key = inttoptr i64 %key.number to ptr
  %value = call ptr @build(ptr %frame)
  %has.value = icmp ne ptr %value, null
  br i1 %has.value, label %pair.put, label %lost
pair.put:
  %pair.is.put = call i32 %set.in.dict(ptr %pairs, ptr %key, ptr %value)
  call void %release(ptr %value)
  %has.pair = icmp eq i32 %pair.is.put, 0
  br i1 %has.pair, label %pair.next, label %lost
pair.next:
  %k.next = add i64 %k, 1
  br label %pair
built:
  %whole = phi ptr [%items, %item], [%pairs, %pair]
  ret ptr %whole
lost:
  %parts = phi ptr [%items, %item.build], [%items, %item.put],
                   [%pairs, %pair.build], [%pairs, %pair.put]
  call void %release(ptr %parts)
  br label %failed
failed:
  ret ptr null
}}

; The next result, which its receiver owns: an array, or a new scalar of NumPy's.
define internal ptr @take_result(ptr %frame) #0 {{
{FRAME.load("%table", "%frame", "table")}
{FRAME.load("%n", "%frame", "leaf", "i64")}
  %n.next = add i64 %n, 1
  store i64 %n.next, ptr %n.at
{FRAME.load("%made", "%frame", "made")}
{entry("%array", "%made", "%n")}
  %is.number = icmp eq ptr %array, null
  br i1 %is.number, label %number, label %array.found
array.found:
  store ptr null, ptr %array.at
  ret ptr %array
number:
{FRAME.load("%entries", "%frame", "entries")}
{entry("%start", "%entries", "%n")}
{TABLE.load("%records", "%table", "records")}
{entry("%record", "%records", "%n")}
{RECORD_WORDS.load("%dtype", "%record", "dtype")}
{TABLE.load("%new", "%table", "new_scalar")}
  %scalar = call ptr %new(ptr %start, ptr %dtype, ptr null)
  ret ptr %scalar
}}
"""
