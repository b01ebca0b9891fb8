"""Arithmetic that WebAssembly has no instructions for, in LLVM's language.

Where LLVM lacks an instruction it calls a function of C's library by name. A module that defines
this name brings its own, and imports nothing.
"""

from __future__ import annotations

import re

from ...compiler.native.lanes import Block, Lanes, Names, declarations
from .linker import UnlinkableError

# Outside of these sizes a fused multiply-add is a plain one: its parts would overflow, or be lost.
_SMALLEST, _GREATEST, _GREATEST_FACTOR = 1e-270, 1e270, 1e290
_SPLIT = 2.0**27 + 1
# The remainder of |x| / |y| bit by bit, as in a division on paper: the significand of x is doubled
# as often as the exponents differ, and that of y is taken away where it fits.
_FMOD = """
define double @fmod(double %x, double %y) nounwind {
entry:
  %x.bits = bitcast double %x to i64
  %y.bits = bitcast double %y to i64
  %a = and i64 %x.bits, 9223372036854775807
  %b = and i64 %y.bits, 9223372036854775807
  %by.zero = icmp eq i64 %b, 0
  %not.finite = icmp uge i64 %a, 9218868437227405312
  %by.nan = icmp ugt i64 %b, 9218868437227405312
  %either = or i1 %by.zero, %not.finite
  %undefined = or i1 %either, %by.nan
  br i1 %undefined, label %nan, label %compare
nan:
  %product = fmul double %x, %y
  %none = fdiv double %product, %product
  ret double %none
compare:
  %is.less = icmp ult i64 %a, %b
  br i1 %is.less, label %whole, label %parts
whole:
  ret double %x
parts:
  %a.parts = call { i64, i64 } @adjoint.parts(i64 %a)
  %b.parts = call { i64, i64 } @adjoint.parts(i64 %b)
  %m.first = extractvalue { i64, i64 } %a.parts, 0
  %e.first = extractvalue { i64, i64 } %a.parts, 1
  %d = extractvalue { i64, i64 } %b.parts, 0
  %e.last = extractvalue { i64, i64 } %b.parts, 1
  br label %digit
digit:
  %m = phi i64 [%m.first, %parts], [%m.next, %double]
  %e = phi i64 [%e.first, %parts], [%e.next, %double]
  %less = sub i64 %m, %d
  %too.much = icmp slt i64 %less, 0
  %left = select i1 %too.much, i64 %m, i64 %less
  %is.last = icmp eq i64 %e, %e.last
  br i1 %is.last, label %end, label %double
double:
  %m.next = shl i64 %left, 1
  %e.next = sub i64 %e, 1
  br label %digit
end:
  %sign = and i64 %x.bits, -9223372036854775808
  %is.nothing = icmp eq i64 %left, 0
  br i1 %is.nothing, label %nothing, label %some
nothing:
  %zero = bitcast i64 %sign to double
  ret double %zero
some:
  %zeros = call i64 @llvm.ctlz.i64(i64 %left, i1 false)
  %by = sub i64 %zeros, 11
  %normal = shl i64 %left, %by
  %exponent = sub i64 %e, %by
  %is.normal = icmp sgt i64 %exponent, 0
  %fraction = sub i64 %normal, 4503599627370496
  %field = shl i64 %exponent, 52
  %usual = add i64 %fraction, %field
  %down = sub i64 1, %exponent
  %shift = select i1 %is.normal, i64 0, i64 %down
  %tiny = lshr i64 %normal, %shift
  %size = select i1 %is.normal, i64 %usual, i64 %tiny
  %bits = or i64 %size, %sign
  %result = bitcast i64 %bits to double
  ret double %result
}
define internal { i64, i64 } @adjoint.parts(i64 %a) nounwind {
  %field = lshr i64 %a, 52
  %is.tiny = icmp eq i64 %field, 0
  %fraction = and i64 %a, 4503599627370495
  %full = or i64 %fraction, 4503599627370496
  %zeros = call i64 @llvm.ctlz.i64(i64 %fraction, i1 false)
  %by = sub i64 %zeros, 11
  %shift = select i1 %is.tiny, i64 %by, i64 0
  %moved = shl i64 %fraction, %shift
  %m = select i1 %is.tiny, i64 %moved, i64 %full
  %low = sub i64 1, %by
  %e = select i1 %is.tiny, i64 %low, i64 %field
  %first = insertvalue { i64, i64 } poison, i64 %m, 0
  %both = insertvalue { i64, i64 } %first, i64 %e, 1
  ret { i64, i64 } %both
}
"""
_FMODF = """
define float @fmodf(float %x, float %y) nounwind {
  %x.wide = fpext float %x to double
  %y.wide = fpext float %y to double
  %left = call double @fmod(double %x.wide, double %y.wide)
  %result = fptrunc double %left to float
  ret float %result
}
"""
# The product of integers of 128 bits, from products of 32-bit halves.
_MULTI3 = """
define void @__multi3(ptr %out, i64 %a, i64 %a.top, i64 %b, i64 %b.top) nounwind {
  %a.low = and i64 %a, 4294967295
  %a.high = lshr i64 %a, 32
  %b.low = and i64 %b, 4294967295
  %b.high = lshr i64 %b, 32
  %lowest = mul i64 %a.low, %b.low
  %middle = mul i64 %a.low, %b.high
  %other = mul i64 %a.high, %b.low
  %highest = mul i64 %a.high, %b.high
  %carry = lshr i64 %lowest, 32
  %carried = add i64 %middle, %carry
  %carried.low = and i64 %carried, 4294967295
  %carried.high = lshr i64 %carried, 32
  %lower = add i64 %other, %carried.low
  %lower.high = lshr i64 %lower, 32
  %upper = add i64 %highest, %carried.high
  %high = add i64 %upper, %lower.high
  %low = mul i64 %a, %b
  %crossed = mul i64 %a, %b.top
  %crossed.too = mul i64 %a.top, %b
  %tops = add i64 %crossed, %crossed.too
  %top = add i64 %high, %tops
  store i64 %low, ptr %out
  %top.at = getelementptr i64, ptr %out, i64 1
  store i64 %top, ptr %top.at
  ret void
}
"""
_CTLZ = "declare i64 @llvm.ctlz.i64(i64, i1)"


def with_arithmetic(text: str) -> str:
    """Return the text of a module with the functions that LLVM will call for it."""
    parts = []
    if re.search(r"@llvm\.fma\.(v\d+)?f64", text):
        parts.append(_written("fma", "f64", "double", _fused))
    if re.search(r"@llvm\.fma\.(v\d+)?f32", text):
        parts.append(_written("fmaf", "f32", "float", _fused_narrow))
    if re.search(r"\bfrem\b", text):
        parts += [_FMOD, _FMODF, *([] if _CTLZ in text else [_CTLZ])]
    if "i256" in text:
        parts.append(_MULTI3)
    # LLVM's language has each declaration once.
    own = {line for part in parts for line in part.splitlines() if line.startswith("declare ")}
    rest = [line for part in parts for line in part.splitlines() if line not in own]
    return "\n".join([text, *sorted(own - set(text.splitlines())), *rest, ""])


def _written(name: str, kind: str, plain: str, function: object) -> str:
    assert callable(function)
    block = Block(1, Names())
    block.names.target = block.names.target._replace(fuses=False)
    result = function(*(Lanes(block, f"%{letter}", kind) for letter in "abc"))
    head = f"define {plain} @{name}({plain} %a, {plain} %b, {plain} %c) nounwind {{"
    return "\n".join(
        [declarations([block.names]), head, *block.lines, f"  ret {result.typed()}", "}"]
    )


def _fused(a: Lanes, b: Lanes, c: Lanes) -> Lanes:
    """Return a b + c rounded once.

    The product is split without error, and what is lost of the sum is rounded to odd before it is
    added (Boldo & Melquiond, "Emulation of FMA and correctly rounded sums", IEEE Transactions on
    Computers 57(4), 2008).
    """
    product = a * b
    size = abs(product)
    within = (
        size.compare(">", _SMALLEST)
        & size.compare("<", _GREATEST)
        & abs(c).compare("<", _GREATEST)
        & abs(a).compare("<", _GREATEST_FACTOR)
        & abs(b).compare("<", _GREATEST_FACTOR)
    )
    (a_high, a_low), (b_high, b_low) = _halves(a), _halves(b)
    rest = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    sum_, low = _two_sum(c, rest)
    high, lower = _two_sum(product, sum_)
    return within.choose(high + _to_odd(*_two_sum(low, lower)), product + c)


def _fused_narrow(a: Lanes, b: Lanes, c: Lanes) -> Lanes:
    """Return the same of float32, whose product is exact in float64."""
    a, b, c = (x.convert("fpext", "f64") for x in (a, b, c))
    product = a * b
    sum_ = product + c
    finite = abs(sum_).compare("<", float("inf"))
    odd = _to_odd(*_two_sum(product, c))
    return finite.choose(odd, sum_).convert("fptrunc", "f32")


def _halves(x: Lanes) -> tuple[Lanes, Lanes]:
    large = x * _SPLIT
    high = large - (large - x)
    return high, x - high


def _two_sum(x: Lanes, y: Lanes) -> tuple[Lanes, Lanes]:
    """Return a sum and its error."""
    total = x + y
    back = total - x
    return total, (x - (total - back)) + (y - back)


def _to_odd(total: Lanes, error: Lanes) -> Lanes:
    """Return a sum rounded to the neighbour whose last bit is 1, where it is not exact."""
    bits = total.convert("bitcast", "i64")
    is_even = (bits & 1).compare("==", 0)
    is_inexact = error.compare("!=", 0.0) & abs(error).compare("<", float("inf"))
    grows = error.compare(">", 0.0) ^ total.compare(">", 0.0)
    step = grows.choose(bits.lift(-1), bits.lift(1))
    return (is_even & is_inexact).choose(bits + step, bits).convert("bitcast", "f64")


def refused(error: UnlinkableError) -> str:
    """Return what to say of an object that cannot be linked."""
    return f"WebAssembly: {error}; use --to py, or write it in other operations"
