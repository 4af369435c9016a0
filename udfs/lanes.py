"""Vectors in registers for numba loops: ``load``, ``store``, ``plus`` and operations on bits.

A numba array in a loop is stored after every addition, because the compiler cannot know
that no other array shares its memory. A value of type ``Lanes`` is an LLVM vector instead: it stays
in registers until it is stored. LLVM splits it into what the processor has (AVX-512, AVX2, NEON).
The number of lanes must be a literal, best a power of two times the bytes of a register.

In plain Python these functions raise: they exist inside compiled code only.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, register_model


class Lanes(types.Type):  # type: ignore[misc]  # numba has no type hints
    """The numba type of a vector of ``width`` numbers of one type."""

    def __init__(self, dtype: Any, width: int) -> None:
        self.dtype, self.width = dtype, width
        super().__init__(name=f"Lanes({dtype}, {width})")


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, lanes: Lanes) -> None:
        number = manager.lookup(lanes.dtype).get_value_type()
        super().__init__(manager, lanes, ir.VectorType(number, lanes.width))


def _bytes(lanes: Any) -> int:
    return max(int(lanes.dtype.bitwidth) // 8, 1)


def _address(context: Any, builder: Any, array_type: Any, array: Any, start: Any) -> Any:
    return builder.gep(context.make_array(array_type)(context, builder, array).data, [start])


@intrinsic  # type: ignore[untyped-decorator]
def load(context: Any, array: Any, start: Any, width: Any) -> Any:
    """``width`` neighbouring numbers of a contiguous array, from index ``start``; unchecked."""
    if not isinstance(width, types.IntegerLiteral):
        return None
    lanes = Lanes(array.dtype, width.literal_value)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        address = _address(context, builder, signature.args[0], args[0], args[1])
        vector = context.get_value_type(lanes)
        return builder.load(builder.bitcast(address, vector.as_pointer()), align=_bytes(lanes))

    return lanes(array, types.intp, width), codegen


@intrinsic  # type: ignore[untyped-decorator]
def store(context: Any, lanes: Any, array: Any, start: Any) -> Any:
    """Write the lanes into a contiguous array, from index ``start``; unchecked."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        address = _address(context, builder, signature.args[1], args[1], args[2])
        vector = context.get_value_type(lanes)
        builder.store(args[0], builder.bitcast(address, vector.as_pointer()), align=_bytes(lanes))
        return context.get_dummy_value()

    return types.none(lanes, array, types.intp), codegen


@intrinsic  # type: ignore[untyped-decorator]
def zeros(context: Any, array: Any, width: Any) -> Any:
    """``width`` zeros of the type of an array."""
    if not isinstance(width, types.IntegerLiteral):
        return None
    lanes = Lanes(array.dtype, width.literal_value)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return ir.Constant(context.get_value_type(lanes), None)

    return lanes(array, width), codegen


@intrinsic  # type: ignore[untyped-decorator]
def plus(context: Any, left: Any, right: Any) -> Any:
    """Sum of two vectors of the same type."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        floating = isinstance(signature.args[0].dtype, types.Float)
        return builder.fadd(*args) if floating else builder.add(*args)

    return left(left, left), codegen


@intrinsic  # type: ignore[untyped-decorator]
def low_nibbles(context: Any, lanes: Any) -> Any:
    """The lower four bits of each byte."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.and_(args[0], _every_lane(args[0].type, 15))

    return lanes(lanes), codegen


@intrinsic  # type: ignore[untyped-decorator]
def high_nibbles(context: Any, lanes: Any) -> Any:
    """The upper four bits of each byte, as numbers from 0 to 15."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.lshr(args[0], _every_lane(args[0].type, 4))

    return lanes(lanes), codegen


def _every_lane(vector: Any, number: int) -> Any:
    return ir.Constant(vector, [number] * vector.count)


@intrinsic  # type: ignore[untyped-decorator]
def bits_of(context: Any, number: Any) -> Any:
    """The bits of a float32 as int32."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.IntType(32))

    return types.int32(types.float32), codegen


@intrinsic  # type: ignore[untyped-decorator]
def float_of(context: Any, bits: Any) -> Any:
    """The float32 that has these bits."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.FloatType())

    return types.float32(types.int32), codegen


@intrinsic  # type: ignore[untyped-decorator]
def plus_scaled(context: Any, left: Any, factor: Any, right: Any) -> Any:
    """``left + factor * right`` for a vector, a number and a vector, all of one floating type."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        left_lanes, scalar, right_lanes = args
        one = ir.Constant(ir.IntType(32), 0)
        empty = ir.Constant(left_lanes.type, ir.Undefined)
        first = builder.insert_element(empty, scalar, one)
        everywhere = ir.Constant(ir.VectorType(ir.IntType(32), left_lanes.type.count), None)
        factors = builder.shuffle_vector(first, empty, everywhere)
        # "contract" lets the processor do both in one instruction.
        product = builder.fmul(factors, right_lanes, flags=("contract",))
        return builder.fadd(left_lanes, product, flags=("contract",))

    return left(left, left.dtype, left), codegen
