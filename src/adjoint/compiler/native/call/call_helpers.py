"""The helpers of calls are the few functions in LLVM's language that the code of each call uses."""

from __future__ import annotations

from . import call_table as table
from . import object_layout as layout

_ARRAYS = f"""
; The entries of an object if it is as a record says, or null.
define internal ptr @entries(ptr %object, ptr %record) #0 {{
  %type.at = getelementptr i8, ptr %object, i64 {layout.TYPE}
  %type = load ptr, ptr %type.at
  %array.at = getelementptr i64, ptr %record, i64 {table.TYPE}
  %array = load ptr, ptr %array.at
  %is.array = icmp eq ptr %type, %array
  br i1 %is.array, label %array.found, label %no.array
no.array:
  %scalar.at = getelementptr i64, ptr %record, i64 {table.SCALAR_TYPE}
  %scalar = load ptr, ptr %scalar.at
  %is.scalar = icmp eq ptr %type, %scalar
  %number = getelementptr i8, ptr %object, i64 {layout.NUMBER}
  %number.or.null = select i1 %is.scalar, ptr %number, ptr null
  ret ptr %number.or.null
array.found:
  %dtype.at = getelementptr i8, ptr %object, i64 {layout.DTYPE}
  %dtype = load ptr, ptr %dtype.at
  %code.at = getelementptr i8, ptr %dtype, i64 {layout.DTYPE_CODE}
  %code = load i64, ptr %code.at
  %code.wanted.at = getelementptr i64, ptr %record, i64 {table.DTYPE_CODE}
  %code.wanted = load i64, ptr %code.wanted.at
  %is.dtype = icmp eq i64 %code, %code.wanted
  %flags.at = getelementptr i8, ptr %object, i64 {layout.FLAGS}
  %flags = load i32, ptr %flags.at
  %flags.wanted.at = getelementptr i64, ptr %record, i64 {table.FLAGS}
  %flags.wanted = load i32, ptr %flags.wanted.at
  %flags.set = and i32 %flags, %flags.wanted
  %has.flags = icmp eq i32 %flags.set, %flags.wanted
  %axes.at = getelementptr i8, ptr %object, i64 {layout.AXES}
  %axes = load i32, ptr %axes.at
  %axes.wanted.at = getelementptr i64, ptr %record, i64 {table.AXES}
  %axes.wanted = load i32, ptr %axes.wanted.at
  %has.axes = icmp eq i32 %axes, %axes.wanted
  %both = and i1 %is.dtype, %has.flags
  %all = and i1 %both, %has.axes
  br i1 %all, label %shape, label %unfit
shape:
  %shape.at = getelementptr i8, ptr %object, i64 {layout.SHAPE}
  %sizes = load ptr, ptr %shape.at
  %sizes.wanted = getelementptr i64, ptr %record, i64 {table.SHAPE}
  br label %axis
axis:
  %n = phi i32 [0, %shape], [%n.next, %next]
  %is.done = icmp eq i32 %n, %axes
  br i1 %is.done, label %fit, label %compare
compare:
  %size.at = getelementptr i64, ptr %sizes, i32 %n
  %size = load i64, ptr %size.at
  %size.wanted.at = getelementptr i64, ptr %sizes.wanted, i32 %n
  %size.wanted = load i64, ptr %size.wanted.at
  %has.size = icmp eq i64 %size, %size.wanted
  br i1 %has.size, label %next, label %unfit
next:
  %n.next = add i32 %n, 1
  br label %axis
fit:
  %entries.at = getelementptr i8, ptr %object, i64 {layout.ENTRIES}
  %found = load ptr, ptr %entries.at
  ret ptr %found
unfit:
  ret ptr null
}}

; Whether an object is of a type and has so many items.
define internal i1 @has_items(ptr %object, ptr %type, i64 %count) #0 {{
  %own.type.at = getelementptr i8, ptr %object, i64 {layout.TYPE}
  %own.type = load ptr, ptr %own.type.at
  %is.type = icmp eq ptr %own.type, %type
  br i1 %is.type, label %counted, label %other
counted:
  %own.count.at = getelementptr i8, ptr %object, i64 {layout.ITEM_COUNT}
  %own.count = load i64, ptr %own.count.at
  %has.count = icmp eq i64 %own.count, %count
  ret i1 %has.count
other:
  ret i1 false
}}

; A new array as a record says, or null after an exception.
define internal ptr @made(ptr %record, ptr %new, ptr %hold) #0 {{
  %type = load ptr, ptr %record
  %dtype.at = getelementptr i64, ptr %record, i64 {table.DTYPE}
  %dtype = load ptr, ptr %dtype.at
  %axes.at = getelementptr i64, ptr %record, i64 {table.AXES}
  %axes = load i32, ptr %axes.at
  %shape = getelementptr i64, ptr %record, i64 {table.SHAPE}
  call void %hold(ptr %dtype)  ; NumPy takes this reference over
  %made = call ptr %new(ptr %type, ptr %dtype, i32 %axes, ptr %shape, ptr null, ptr null, i32 0, ptr null)
  ret ptr %made
}}
"""
_MEMORY = """
; Give up the references in some words.
define internal void @give_up(ptr %objects, i64 %count, ptr %release) #0 {
entry:
  br label %object
object:
  %n = phi i64 [0, %entry], [%n.next, %next]
  %is.done = icmp eq i64 %n, %count
  br i1 %is.done, label %done, label %look
look:
  %at = getelementptr ptr, ptr %objects, i64 %n
  %held = load ptr, ptr %at
  %is.none = icmp eq ptr %held, null
  br i1 %is.none, label %next, label %given
given:
  call void %release(ptr %held)
  br label %next
next:
  %n.next = add i64 %n, 1
  br label %object
done:
  ret void
}

; Whether the memory of a leaf overlaps that of one of the leaves from a first to below a last.
define internal i1 @overlap(ptr %entries, ptr %sizes, i64 %n, i64 %first, i64 %last) #0 {
entry:
  %start.at = getelementptr ptr, ptr %entries, i64 %n
  %start = load ptr, ptr %start.at
  %size.at = getelementptr i64, ptr %sizes, i64 %n
  %size = load i64, ptr %size.at
  %stop = getelementptr i8, ptr %start, i64 %size
  br label %leaf
leaf:
  %k = phi i64 [%first, %entry], [%k.next, %next]
  %is.done = icmp eq i64 %k, %last
  br i1 %is.done, label %none, label %compare
compare:
  %k.start.at = getelementptr ptr, ptr %entries, i64 %k
  %k.start = load ptr, ptr %k.start.at
  %k.size.at = getelementptr i64, ptr %sizes, i64 %k
  %k.size = load i64, ptr %k.size.at
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
}

; Copy some bytes, of memory that does not overlap.
define internal void @copy(ptr %from, ptr %to, i64 %size) #0 {
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
}
"""
HELPERS = _ARRAYS + _MEMORY
