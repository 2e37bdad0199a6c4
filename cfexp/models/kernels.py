"""The compiled loops of ALS, over rows of a sparse matrix; their twins are in `reference`.

All work in whitened coordinates (see `cfexp.models.sweep`), where a row's system is

    (S + sum_i w_i z_i z_i') x = sum_i (1 + w_i) z_i,        w_i = c_i - 1,

over the row's entries i, with the diagonal S = 1 + ridge * diagonal: the identity for
rows without a regularization of their own. `fixed` holds the z_i as rows, padded with zeros to a
multiple of 16 columns, and one row of zeros more: what a group of eight entries lacks
points there. Inputs are read-only arrays, so that each kernel is compiled once. Where
`fixed` is larger than the caches, rows are asked for 16 entries ahead: a fifth less time
at 25 million entries, a fifth more where all is in the cache.
"""

# ruff: noqa: ANN401, PLR0917 - compiled functions: what types they take is Numba's affair

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from cfexp.vectors import (
    GROUP,
    LANES,
    fma,
    lane,
    load,
    load8,
    mul,
    peek,
    prefetch,
    splat,
    splat8,
    store,
    sub,
    sums,
    total,
)

_AHEAD = 16  # entries between what is asked for and what is worked on
_ROW_CACHED = 1 << 17  # numbers of a row's factors that the nearest caches hold
_SIDE_CACHED = 1 << 21  # numbers of a side's factors that reach the core without being asked for
_NOTHING = np.float32(1e-30)  # a squared residual below which float32 has no more to give


@njit(nogil=True, cache=True, forceinline=True)
def _dots(fixed: Any, f: int, at: Any, g: int, p: Any) -> Any:
    """Return the products of p and the eight rows that start at flat positions at[g:g + 8]."""
    i, j, k, m = peek(at, g), peek(at, g + 1), peek(at, g + 2), peek(at, g + 3)
    n, o, r, s = peek(at, g + 4), peek(at, g + 5), peek(at, g + 6), peek(at, g + 7)
    zeros = splat(np.float32(0))
    a, b, c, d = zeros, zeros, zeros, zeros
    e, h, u, v = zeros, zeros, zeros, zeros
    for q in range(0, f, LANES):
        x = load(p, q)
        a = fma(load(fixed, i + q), x, a)
        b = fma(load(fixed, j + q), x, b)
        c = fma(load(fixed, k + q), x, c)
        d = fma(load(fixed, m + q), x, d)
        e = fma(load(fixed, n + q), x, e)
        h = fma(load(fixed, o + q), x, h)
        u = fma(load(fixed, r + q), x, u)
        v = fma(load(fixed, s + q), x, v)
    return sums(a, b, c, d, e, h, u, v)


@njit(nogil=True, cache=True, forceinline=True)
def _ask(fixed: Any, f: int, at: Any, g: int) -> None:
    """Have the eight rows that start at flat positions at[g:g + 8] brought to the cache."""
    for r in range(GROUP):
        row = peek(at, g + r)
        for q in range(0, f, LANES):
            prefetch(fixed, row + q)


@njit(nogil=True, cache=True, forceinline=True)
def _add_rows(fixed: Any, f: int, at: Any, g: int, t: Any, out: Any) -> None:
    """Add to `out` the eight rows that start at flat positions at[g:g + 8], each times its t."""
    i, j, k, m = peek(at, g), peek(at, g + 1), peek(at, g + 2), peek(at, g + 3)
    n, o, r, s = peek(at, g + 4), peek(at, g + 5), peek(at, g + 6), peek(at, g + 7)
    a, b, c, d = lane(t, 0), lane(t, 1), lane(t, 2), lane(t, 3)
    e, h, u, v = lane(t, 4), lane(t, 5), lane(t, 6), lane(t, 7)
    for q in range(0, f, LANES):
        x = load(out, q)
        x = fma(load(fixed, i + q), a, x)
        x = fma(load(fixed, j + q), b, x)
        x = fma(load(fixed, k + q), c, x)
        x = fma(load(fixed, m + q), d, x)
        x = fma(load(fixed, n + q), e, x)
        x = fma(load(fixed, o + q), h, x)
        x = fma(load(fixed, r + q), u, x)
        x = fma(load(fixed, s + q), v, x)
        store(out, q, x)


@njit(nogil=True, cache=True, forceinline=True)
def _dot(a: Any, b: Any, f: int) -> Any:
    products = splat(np.float32(0))
    for q in range(0, f, LANES):
        products = fma(load(a, q), load(b, q), products)
    return total(products)


@njit(nogil=True, cache=True, forceinline=True)
def _add(scale: Any, a: Any, b: Any, out: Any, f: int) -> None:
    """Write scale a + b to `out`."""
    by = splat(scale)
    for q in range(0, f, LANES):
        store(out, q, fma(by, load(a, q), load(b, q)))


@njit(nogil=True, cache=True, forceinline=True)
def _times(a: Any, b: Any, out: Any, f: int) -> None:
    """Write a * b, number by number, to `out`."""
    for q in range(0, f, LANES):
        store(out, q, mul(load(a, q), load(b, q)))


@njit(nogil=True, cache=True)
def conjugate_gradient(  # noqa: C901, PLR0912, PLR0915 - one loop, one formula
    indptr: Any,  # int64, of all rows
    indices: Any,  # int32
    weights: Any,  # float32 w
    ridge: Any,  # float32, of all rows
    diagonal: Any,  # float32 (f)
    fixed: Any,  # float32 (n + 1, f)
    start: int,
    stop: int,
    steps: int,
    tolerance: float,
    solved: Any,  # float32 (stop - start, f)
) -> None:
    """Take up to `steps` steps from `solved`, in place, for the rows start..stop.

    Preconditioned by S. A row ends early when its residual is at most `tolerance` times
    its first residual (which is the right side where `solved` is 0).
    """
    f = fixed.shape[1]
    longest = 0
    for row in range(start, stop):
        longest = max(longest, indptr[row + 1] - indptr[row])
    at = np.empty(longest + GROUP + _AHEAD, np.int64)
    w = np.empty(longest + GROUP, np.float32)
    x = np.empty(f, np.float32)
    r = np.empty(f, np.float32)
    p = np.empty(f, np.float32)
    ap = np.empty(f, np.float32)
    s = np.empty(f, np.float32)
    h = np.empty(f, np.float32)
    hr = np.empty(f, np.float32)
    wide = fixed.size > _SIDE_CACHED
    nothing = (fixed.shape[0] - 1) * f
    ones = splat8(np.float32(1))
    for row in range(start, stop):
        n = indptr[row + 1] - indptr[row]
        for i in range(n):
            at[i] = indices[indptr[row] + i] * f
            w[i] = weights[indptr[row] + i]
        at[n : n + GROUP + _AHEAD] = nothing
        w[n : n + GROUP] = 0
        ridged = ridge[row] != 0
        again = wide and n * f > _ROW_CACHED
        # r = b - A x
        x[:] = solved[row - start]
        warm = False
        for q in range(f):
            warm |= x[q] != 0
            r[q] = -x[q]
        if ridged:
            for q in range(f):
                s[q] = 1 + ridge[row] * diagonal[q]
                h[q] = 1 / s[q]
            _times(s, r, r, f)
        for g in range(0, n, GROUP):
            if wide:
                _ask(fixed, f, at, g + _AHEAD)
            if warm:
                missing = sub(ones, _dots(fixed, f, at, g, x))
                _add_rows(fixed, f, at, g, fma(load8(w, g), missing, ones), r)
            else:
                _add_rows(fixed, f, at, g, fma(load8(w, g), ones, ones), r)
        z = r
        if ridged:
            z = hr
            _times(h, r, z, f)
        p[:] = z
        rr = _dot(r, z, f)
        least = max(np.float32(tolerance * tolerance) * rr, _NOTHING)
        for step in range(steps):
            if rr <= least:
                break
            # p'Ap needs the products alone; Ap is not needed after the last step
            last = step == steps - 1
            squares = splat8(np.float32(0))
            if ridged:
                _times(s, p, ap, f)
            else:
                ap[:] = p
            own = _dot(p, ap, f)
            for g in range(0, n, GROUP):
                if again:
                    _ask(fixed, f, at, g + _AHEAD)
                t = _dots(fixed, f, at, g, p)
                wt = mul(load8(w, g), t)
                squares = fma(wt, t, squares)
                if not last:
                    _add_rows(fixed, f, at, g, wt, ap)
            along = rr / (own + total(squares))
            _add(along, p, x, x, f)
            if last:
                break
            _add(-along, ap, r, r, f)
            if ridged:
                _times(h, r, z, f)
            before = rr
            rr = _dot(r, z, f)
            _add(rr / before, p, z, p, f)
        solved[row - start] = x


@njit(nogil=True, cache=True)
def squared_errors(
    indptr: Any,
    indices: Any,
    weights: Any,
    fixed: Any,
    start: int,
    stop: int,
    solved: Any,
) -> float:
    """Return sum of c (1 - s)^2 - s^2 over the entries of rows start..stop, s = x'z."""
    f = fixed.shape[1]
    at = np.empty(GROUP, np.int64)
    t = np.empty(GROUP, np.float32)
    error = 0.0
    for row in range(start, stop):
        x = solved[row - start]
        for first in range(indptr[row], indptr[row + 1], GROUP):
            n = min(GROUP, indptr[row + 1] - first)
            for i in range(GROUP):
                at[i] = indices[first + min(i, n - 1)] * f
            store(t, 0, _dots(fixed, f, at, 0, x))
            for i in range(n):
                s = np.float64(t[i])
                c = 1 + np.float64(weights[first + i])
                error += c * (1 - s) * (1 - s) - s * s
    return error
