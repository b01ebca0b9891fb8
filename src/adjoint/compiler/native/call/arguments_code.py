"""The code of arguments follows a plan through objects, and notes where their entries are.

While it does, no code of the user's runs and no other thread: what it finds in a list or dict holds
until the function is evaluated. Then other threads may run, so that what is found there is held.
"""

from __future__ import annotations

from . import object_layout as layout
from .call_table import KINDS
from .frame import FRAME, RECORD_WORDS, TABLE
from .words import entry, load

ARGUMENTS = f"""
; The next word of the plan.
define internal i64 @planned(ptr %frame) #0 {{
{FRAME.load("%plan", "%frame", "plan")}
  %word = load i64, ptr %plan
  %next = getelementptr i64, ptr %plan, i64 1
  store ptr %next, ptr %plan.at
  ret i64 %word
}}

; Whether an object is of a type and has so many items.
define internal i1 @has_items(ptr %object, ptr %type, i64 %count) #0 {{
{load("%own.type", "%object", layout.TYPE)}
  %is.type = icmp eq ptr %own.type, %type
  br i1 %is.type, label %counted, label %other
counted:
{load("%own.count", "%object", layout.ITEM_COUNT, "i64")}
  %has.count = icmp eq i64 %own.count, %count
  ret i1 %has.count
other:
  ret i1 false
}}

; Whether an object is as planned. A leaf of a list or dict is held.
define internal i1 @read(ptr %object, ptr %frame, i1 %is.held) #0 {{
entry:
  %position = alloca i64
  %key = alloca ptr
  %value = alloca ptr
{FRAME.load("%table", "%frame", "table")}
  %kind = call i64 @planned(ptr %frame)
  switch i64 %kind, label %leaf [
    i64 {KINDS.index("tuple")}, label %tuple
    i64 {KINDS.index("list")}, label %list
    i64 {KINDS.index("dict")}, label %dict
  ]
leaf:
  %fits = call i1 @read_leaf(ptr %object, ptr %frame, i64 %kind, i1 %is.held)
  ret i1 %fits
tuple:
{TABLE.load("%tuple.type", "%table", "tuple")}
  %tuple.count = call i64 @planned(ptr %frame)
  %is.tuple = call i1 @has_items(ptr %object, ptr %tuple.type, i64 %tuple.count)
  %tuple.items = getelementptr i8, ptr %object, i64 {layout.ITEMS_OF_TUPLE}
  br i1 %is.tuple, label %items, label %unfit
list:
{TABLE.load("%list.type", "%table", "list")}
  %list.count = call i64 @planned(ptr %frame)
  %is.list = call i1 @has_items(ptr %object, ptr %list.type, i64 %list.count)
  br i1 %is.list, label %list.found, label %unfit
list.found:
{load("%list.items", "%object", layout.ITEMS_OF_LIST)}
  br label %items
items:
  %count = phi i64 [%tuple.count, %tuple], [%list.count, %list.found]
  %start = phi ptr [%tuple.items, %tuple], [%list.items, %list.found]
  %hold = phi i1 [%is.held, %tuple], [true, %list.found]
  br label %item
item:
  %n = phi i64 [0, %items], [%n.next, %item.fits]
  %is.done = icmp eq i64 %n, %count
  br i1 %is.done, label %fit, label %item.read
item.read:
{entry("%part", "%start", "%n")}
  %part.fits = call i1 @read(ptr %part, ptr %frame, i1 %hold)
  br i1 %part.fits, label %item.fits, label %unfit
item.fits:
  %n.next = add i64 %n, 1
  br label %item
dict:
{TABLE.load("%dict.type", "%table", "dict")}
  %dict.count = call i64 @planned(ptr %frame)
  %is.dict = call i1 @has_items(ptr %object, ptr %dict.type, i64 %dict.count)
  store i64 0, ptr %position
{TABLE.load("%dict.next", "%table", "PyDict_Next")}
  br i1 %is.dict, label %pair, label %unfit
pair:
  %k = phi i64 [0, %dict], [%k.next, %pair.fits]
  %is.end = icmp eq i64 %k, %dict.count
  br i1 %is.end, label %fit, label %pair.read
pair.read:
  %is.there = call i32 %dict.next(ptr %object, ptr %position, ptr %key, ptr %value)
  %has.pair = icmp ne i32 %is.there, 0
  br i1 %has.pair, label %pair.found, label %unfit
pair.found:
  %own.key = load i64, ptr %key
  %planned.key = call i64 @planned(ptr %frame)
  %is.key = icmp eq i64 %own.key, %planned.key
  br i1 %is.key, label %pair.value, label %unfit
pair.value:
  %own.value = load ptr, ptr %value
  %value.fits = call i1 @read(ptr %own.value, ptr %frame, i1 true)
  br i1 %value.fits, label %pair.fits, label %unfit
pair.fits:
  %k.next = add i64 %k, 1
  br label %pair
fit:
  ret i1 true
unfit:
  ret i1 false
}}

; Whether an array or number is as its record says; where its entries are is noted.
define internal i1 @read_leaf(ptr %object, ptr %frame, i64 %kind, i1 %is.held) #0 {{
entry:
  %overflow = alloca i32
{FRAME.load("%table", "%frame", "table")}
{FRAME.load("%n", "%frame", "leaf", "i64")}
  %n.next = add i64 %n, 1
  store i64 %n.next, ptr %n.at
{FRAME.load("%numbers", "%frame", "numbers")}
  %number = getelementptr i64, ptr %numbers, i64 %n
  switch i64 %kind, label %array [
    i64 {KINDS.index("float")}, label %float
    i64 {KINDS.index("int")}, label %int
    i64 {KINDS.index("bool")}, label %bool
  ]
array:
{TABLE.load("%records", "%table", "records")}
{entry("%record", "%records", "%n")}
  %of.array = call ptr @entries(ptr %object, ptr %record)
  br label %found
float:
{TABLE.load("%float.type", "%table", "float")}
{load("%own.type", "%object", layout.TYPE)}
  %is.float = icmp eq ptr %own.type, %float.type
  %in.float = getelementptr i8, ptr %object, i64 {layout.NUMBER}
  %of.float = select i1 %is.float, ptr %in.float, ptr null
  br label %found
int:
{TABLE.load("%int.type", "%table", "int")}
{load("%int.own.type", "%object", layout.TYPE)}
  %is.int = icmp eq ptr %int.own.type, %int.type
  br i1 %is.int, label %int.read, label %unfit
int.read:
{TABLE.load("%as.integer", "%table", "PyLong_AsLongLongAndOverflow")}
  %integer = call i64 %as.integer(ptr %object, ptr %overflow)
  store i64 %integer, ptr %number
  %too.large = load i32, ptr %overflow
  %is.small = icmp eq i32 %too.large, 0
  br i1 %is.small, label %found, label %unfit
bool:
{TABLE.load("%True", "%table", "True")}
{TABLE.load("%False", "%table", "False")}
  %is.true = icmp eq ptr %object, %True
  %is.false = icmp eq ptr %object, %False
  %is.bool = or i1 %is.true, %is.false
  %byte = zext i1 %is.true to i8
  store i8 %byte, ptr %number
  br i1 %is.bool, label %found, label %unfit
found:
  %entries = phi ptr [%of.array, %array], [%of.float, %float],
                     [%number, %int.read], [%number, %bool]
  %is.fit = icmp ne ptr %entries, null
  br i1 %is.fit, label %fit, label %unfit
fit:
{FRAME.load("%all", "%frame", "entries")}
  %all.n = getelementptr ptr, ptr %all, i64 %n
  store ptr %entries, ptr %all.n
  br i1 %is.held, label %hold, label %done
hold:
{FRAME.load("%held", "%frame", "held")}
  %held.n = getelementptr ptr, ptr %held, i64 %n
  store ptr %object, ptr %held.n
{TABLE.load("%refer", "%table", "Py_IncRef")}
  call void %refer(ptr %object)
  br label %done
done:
  ret i1 true
unfit:
  ret i1 false
}}

; The entries of an array, or of a scalar of NumPy's, if it is as a record says; or null.
define internal ptr @entries(ptr %object, ptr %record) #0 {{
{load("%type", "%object", layout.TYPE)}
{RECORD_WORDS.load("%array.type", "%record", "type")}
  %is.array = icmp eq ptr %type, %array.type
  br i1 %is.array, label %array, label %scalar
scalar:
{RECORD_WORDS.load("%scalar.type", "%record", "scalar_type")}
  %is.scalar = icmp eq ptr %type, %scalar.type
  %number = getelementptr i8, ptr %object, i64 {layout.NUMBER}
  %of.scalar = select i1 %is.scalar, ptr %number, ptr null
  ret ptr %of.scalar
array:
{load("%dtype", "%object", layout.DTYPE)}
{load("%code", "%dtype", layout.DTYPE_CODE, "i64")}
{RECORD_WORDS.load("%code.wanted", "%record", "dtype_code", "i64")}
  %is.dtype = icmp eq i64 %code, %code.wanted
{load("%flags", "%object", layout.FLAGS, "i32")}
{RECORD_WORDS.load("%flags.wanted", "%record", "flags", "i32")}
  %flags.set = and i32 %flags, %flags.wanted
  %has.flags = icmp eq i32 %flags.set, %flags.wanted
{load("%axes", "%object", layout.AXES, "i32")}
{RECORD_WORDS.load("%axes.wanted", "%record", "axes", "i32")}
  %has.axes = icmp eq i32 %axes, %axes.wanted
  %is.both = and i1 %is.dtype, %has.flags
  %is.all = and i1 %is.both, %has.axes
  br i1 %is.all, label %shape, label %unfit
shape:
{load("%sizes", "%object", layout.SHAPE)}
{RECORD_WORDS.at("%sizes.wanted", "%record", "shape")}
  br label %axis
axis:
  %n = phi i32 [0, %shape], [%n.next, %next]
  %is.done = icmp eq i32 %n, %axes
  br i1 %is.done, label %fit, label %compare
compare:
  %n.wide = zext i32 %n to i64
{entry("%size", "%sizes", "%n.wide", "i64")}
{entry("%size.wanted", "%sizes.wanted", "%n.wide", "i64")}
  %has.size = icmp eq i64 %size, %size.wanted
  br i1 %has.size, label %next, label %unfit
next:
  %n.next = add i32 %n, 1
  br label %axis
fit:
{load("%of.array", "%object", layout.ENTRIES)}
  ret ptr %of.array
unfit:
  ret ptr null
}}
"""
