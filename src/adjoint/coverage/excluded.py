"""The excluded: functions of NumPy for which a derivative makes no sense, each with its reason."""

from __future__ import annotations

# Names by reason; those of numpy.linalg begin with "linalg.". Some exist in other versions only.
REASONS: dict[str, str] = {
    "a comparison or test: the result is a boolean": """
        all allclose any array_equal array_equiv can_cast equal greater greater_equal in1d
        is_busday isclose iscomplex iscomplexobj isdtype isfinite isfortran isin isinf isnan isnat
        isneginf isposinf isreal isrealobj isscalar issubdtype iterable less less_equal logical_and
        logical_not logical_or logical_xor may_share_memory not_equal shares_memory signbit
    """,
    "an index or a count: the result is an integer": """
        argmax argmin argpartition argsort argwhere count_nonzero diag_indices diag_indices_from
        digitize flatnonzero indices ix_ lexsort linalg.matrix_rank mask_indices nanargmax nanargmin
        nonzero ravel_multi_index searchsorted tril_indices tril_indices_from triu_indices
        triu_indices_from unravel_index
    """,
    "arithmetic of integers or bits": """
        bitwise_and bitwise_count bitwise_invert bitwise_left_shift bitwise_not bitwise_or
        bitwise_right_shift bitwise_xor gcd invert lcm left_shift packbits right_shift unpackbits
    """,
    "piecewise constant: the derivative is 0 wherever there is one": """
        around ceil fix floor floor_divide heaviside nextafter rint round sign spacing trunc
    """,
    "about sets: how many entries there are depends on which are equal": """
        intersect1d setdiff1d setxor1d union1d unique unique_all unique_counts unique_inverse
        unique_values
    """,
    "about complex numbers, which are out of scope": """
        angle conj conjugate imag linalg.eig linalg.eigvals real real_if_close roots sort_complex
    """,
    "creation from a size or from constants": """
        arange bartlett blackman empty empty_like eye fromfunction hamming hanning identity kaiser
        ones ones_like tri zeros zeros_like
    """,
    "a conversion to a plain array, which has no graph (refused where it would cut one)": """
        array asanyarray asarray asarray_chkfinite ascontiguousarray asfortranarray asmatrix bmat
        require
    """,
    "a change of an array in place (refused, with what to write instead)": """
        copyto fill_diagonal place put put_along_axis putmask
    """,
    "about shapes, types and memory": """
        broadcast_shapes common_type einsum_path min_scalar_type mintypecode ndim promote_types
        result_type shape size typename
    """,
    "input and output, and text": """
        array2string array_repr array_str base_repr binary_repr format_float_positional
        format_float_scientific from_dlpack frombuffer fromfile fromiter fromregex fromstring
        genfromtxt load loadtxt save savetxt savez savez_compressed
    """,
    "about dates": """
        busday_count busday_offset datetime_as_string datetime_data
    """,
    "about NumPy itself": """
        frompyfunc get_include get_printoptions getbufsize geterr geterrcall info linalg.test
        nested_iters printoptions set_printoptions setbufsize seterr seterrcall show_config
        show_runtime test
    """,
}

EXCLUDED: dict[str, str] = {
    name: reason for reason, names in REASONS.items() for name in names.split()
}
