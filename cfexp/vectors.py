"""Sixteen (or eight) float32 numbers as one value inside Numba code.

LLVM does not find these vectors by itself in loops over a few dozen factors, and
sums over the lanes of one vector at a time cost more than the products. On machines
with narrower registers LLVM splits a vector into several. `sums` adds up eight
vectors together in a fixed order, so results depend on nothing but the numbers.

Numba's cache does not notice changes in this file: delete it after a change.
"""

# ruff: noqa: ANN401, ARG001, PLR0917 - code generators have Numba's signatures

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import extending
from numba.core import types
from numba.extending import models, register_model

LANES = 16
"""Numbers in a vector; factors are padded with zeros to a multiple of this."""
GROUP = 8
"""How many vectors `sums` adds up at once, and numbers in what it returns."""


def intrinsic(function: Any) -> Any:
    """Do what Numba's decorator does, and say that calls have other arguments."""
    return extending.intrinsic(function)


class _Vector(types.Type):
    def __init__(self, lanes: int) -> None:
        self.llvm = ir.VectorType(ir.FloatType(), lanes)
        super().__init__(name=f"float32x{lanes}")


@register_model(_Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, kind.llvm)  # type: ignore[no-untyped-call]


_wide, _narrow = _Vector(LANES), _Vector(GROUP)


def _at(context: Any, builder: Any, kind: Any, array: Any, index: Any, vector: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), vector.llvm.as_pointer())


def _shuffled(builder: Any, left: Any, right: Any, lanes: list[int]) -> Any:
    mask = ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), lanes)
    return builder.shuffle_vector(left, right, mask)


def _splatted(builder: Any, number: Any, vector: Any) -> Any:
    empty = ir.Constant(vector.llvm, ir.Undefined)
    first = builder.insert_element(empty, number, ir.IntType(32)(0))
    return _shuffled(builder, first, empty, [0] * vector.llvm.count)


def _loader(vector: _Vector) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, index = arguments
        at = _at(context, builder, signature.args[0], array, index, vector)
        return builder.load(at, align=4, typ=vector.llvm)

    return generate


@intrinsic
def load(typing: Any, array: Any, index: Any) -> Any:
    """Return the 16 numbers of a C-contiguous float32 array from flat position `index`."""
    return _wide(array, types.intp), _loader(_wide)


@intrinsic
def load8(typing: Any, array: Any, index: Any) -> Any:
    """Return the 8 numbers of a C-contiguous float32 array from flat position `index`."""
    return _narrow(array, types.intp), _loader(_narrow)


@intrinsic
def peek(typing: Any, array: Any, index: Any) -> Any:
    """Return `array[index]` for an index that is known not to be negative."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.load(builder.gep(data, [arguments[1]]), typ=data.type.pointee)

    return array.dtype(array, types.intp), generate


@intrinsic
def prefetch(typing: Any, array: Any, index: Any) -> Any:
    """Ask for the cache line that holds `array[index]`, which will be read soon."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, index = arguments
        data = context.make_array(signature.args[0])(context, builder, array).data
        pointer = builder.bitcast(builder.gep(data, [index]), ir.IntType(8).as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [pointer.type, *[ir.IntType(32)] * 3])
        function = builder.module.declare_intrinsic("llvm.prefetch", [pointer.type], kind)
        builder.call(function, [pointer, *(ir.IntType(32)(n) for n in (0, 3, 1))])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


@intrinsic
def store(typing: Any, array: Any, index: Any, vector: Any) -> Any:
    """Write `vector` to a C-contiguous float32 array at flat position `index`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, index, numbers = arguments
        at = _at(context, builder, signature.args[0], array, index, vector)
        builder.store(numbers, at, align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, vector), generate


@intrinsic
def splat(typing: Any, number: Any) -> Any:
    """Return a vector of 16 times the float32 `number`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _splatted(builder, arguments[0], _wide)

    return _wide(types.float32), generate


@intrinsic
def splat8(typing: Any, number: Any) -> Any:
    """Return a vector of 8 times the float32 `number`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _splatted(builder, arguments[0], _narrow)

    return _narrow(types.float32), generate


@intrinsic
def lane(typing: Any, vector: Any, number: Any) -> Any:
    """Return a vector of 16 times the lane `number` (a literal) of a vector of 8."""
    if not isinstance(number, types.IntegerLiteral):
        return None
    lanes = [number.literal_value] * LANES

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _shuffled(builder, arguments[0], arguments[0], lanes)

    return _wide(vector, number), generate


@intrinsic
def fma(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """Return a * b + c, rounded once where the machine can."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        a, b, c = arguments
        product = builder.fmul(a, b, flags=("contract",))
        return builder.fadd(product, c, flags=("contract",))

    return a(a, b, c), generate


@intrinsic
def mul(typing: Any, a: Any, b: Any) -> Any:
    """Return a * b."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fmul(*arguments)

    return a(a, b), generate


@intrinsic
def sub(typing: Any, a: Any, b: Any) -> Any:
    """Return a - b."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fsub(*arguments)

    return a(a, b), generate


@intrinsic
def total(typing: Any, vector: Any) -> Any:
    """Return the sum over the lanes of a vector of 8 or 16, added up by halves."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (left,) = arguments
        while left.type.count > 1:
            half = left.type.count // 2
            left = builder.fadd(
                _shuffled(builder, left, left, list(range(half))),
                _shuffled(builder, left, left, list(range(half, 2 * half))),
            )
        return builder.extract_element(left, ir.IntType(32)(0))

    return types.float32(vector), generate


@intrinsic
def above(typing: Any, array: Any, index: Any, number: Any) -> Any:
    """Return 16 bits, the lowest first: whether `array[index + lane]` > `number`; NaN is not."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        values = _loader(_wide)(context, builder, signature, arguments[:2])
        least = _splatted(builder, arguments[2], _wide)
        bits = builder.bitcast(builder.fcmp_ordered(">", values, least), ir.IntType(LANES))
        return builder.zext(bits, ir.IntType(64))

    return types.int64(array, types.intp, types.float32), generate


@intrinsic
def larger(typing: Any, a: Any, b: Any) -> Any:
    """Return the larger of a and b, lane by lane; b where a is NaN."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        a, b = arguments
        return builder.select(builder.fcmp_ordered(">", a, b), a, b)

    return a(a, b), generate


@intrinsic
def set_bits(typing: Any, bits: Any) -> Any:
    """Return how many bits are set, as those that `above` returns."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.int64(types.int64), generate


@intrinsic
def sums(typing: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any) -> Any:
    """Return the sums over the lanes of eight vectors of 16, as a vector of 8."""

    def halved(builder: Any, left: Any, right: Any, width: int) -> Any:
        # adds the halves of every run of `width` lanes: those of `left`, then of `right`
        runs = range(0, 2 * LANES, width)
        low = [start + i for start in runs for i in range(width // 2)]
        return builder.fadd(
            _shuffled(builder, left, right, low),
            _shuffled(builder, left, right, [i + width // 2 for i in low]),
        )

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vectors, width = list(arguments), LANES
        while len(vectors) > 1:
            pairs = zip(vectors[::2], vectors[1::2], strict=True)
            vectors = [halved(builder, left, right, width) for left, right in pairs]
            width //= 2
        # two lanes are left of each of the eight
        (both,) = vectors
        return builder.fadd(
            _shuffled(builder, both, both, list(range(0, LANES, 2))),
            _shuffled(builder, both, both, list(range(1, LANES, 2))),
        )

    return _narrow(a, b, c, d, e, f, g, h), generate
