"""Identifiers are names that every target accepts, made of any text, each once."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from collections.abc import Collection, Iterable

_C = """
    auto break case char const continue default do double else enum extern float for goto if
    inline int long register restrict return short signed sizeof static struct switch typedef
    union unsigned void volatile while _Bool _Complex _Imaginary asm main typeof bool true false
    nullptr class delete new operator private protected public template this throw try virtual
    using namespace NAN INFINITY NULL
"""
# Compilers know these of C's library, and warn about others of their names.
_LIBRARY = """
    abort abs acos acosh asin asinh assert atan atan2 atanh atexit atof atoi bcmp bcopy bsearch
    bzero calloc cbrt ceil clearerr copysign cos cosh div erf erfc errno exit exp exp2 expm1 fabs
    fclose fdim feof ferror fflush fgetc fgets floor fma fmax fmin fmod fopen fprintf fputc fputs
    fread free frexp fscanf fseek ftell fwrite gamma getc getchar getenv gets hypot ilogb index
    isalnum isalpha isdigit isfinite isinf islower isnan isnormal isspace isupper j0 j1 jn labs
    ldexp ldiv lgamma llabs lldiv llrint llround log log10 log1p log2 logb lrint lround malloc
    memchr memcmp memcpy memmove memset modf nan nearbyint nextafter perror pow pow10 printf putc
    putchar puts qsort rand realloc remainder remove remquo rename rewind rindex rint round scalb
    scalbln scalbn scanf setbuf setvbuf signbit significand sin sincos sinh snprintf sprintf sqrt
    srand sscanf stderr stdin stdout stpcpy strcat strchr strcmp strcpy strcspn strdup strlen
    strncat strncmp strncpy strpbrk strspn strstr strtod strtol system tan tanh tgamma tmpfile
    tmpnam tolower toupper trunc ungetc vprintf y0 y1 yn linux unix EOF FILE BUFSIZ
"""
# Macros and types of the headers that a file of C includes.
_HEADERS = re.compile(
    r"(FLT|DBL|LDBL|DECIMAL|FP|HUGE|U?INT|SEEK|PTRDIFF|SIZE|SIG|WCHAR|MATH|math)_\w*|U?INT\d*\w*|\w+_t"
)
# What a file of Python calls or defines beside what is named here.
_PYTHON = [*dir(builtins), "np", "math", "re", "rows", "status", "LABELS", "COLUMNS"]
_RESERVED = {*_C.split(), *_LIBRARY.split(), *keyword.kwlist, *keyword.softkwlist, *_PYTHON}


def identifier(text: str, taken: Collection[str] = (), *, default: str = "value") -> str:
    """Return a legal name in Python and in C that is like a text, and is not taken.

    Letters and digits of ASCII stay; what stands between becomes one underscore.

    >>> identifier("a.b"), identifier("2x"), identifier("红", default="w"), identifier("for")
    ('a_b', 'w_2x', 'w', 'for_')
    >>> identifier("a b", {"a_b"})
    'a_b_2'
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    name = re.sub(r"[^0-9A-Za-z]+", "_", plain).strip("_") or default
    if name[0].isdigit():
        name = f"{default[0]}_{name}" if default != "value" else f"w_{name}"
    if name in _RESERVED or _HEADERS.fullmatch(name):
        name = f"{name}_"
    found, count = name, 1
    while found in taken:
        count += 1
        found = f"{name.rstrip('_')}_{count}"
    return found


def identifiers(texts: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """Return a name for each text, all different."""
    used, found = set(taken), []
    for text in texts:
        found.append(identifier(text, used))
        used.add(found[-1])
    return found
