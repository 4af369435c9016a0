"""More operations on vectors in registers (``udfs.lanes``): products, the larger of two, choices.

Like those, they exist inside compiled code only.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from udfs.lanes import Lanes


def _everywhere(builder: Any, scalar: Any, vector: Any) -> Any:
    """A vector with the same number in every lane."""
    empty = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(empty, scalar, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(
        first, empty, ir.Constant(ir.VectorType(ir.IntType(32), vector.count), None)
    )


def _call(builder: Any, name: str, args: Any, *, result: Any) -> Any:
    """Call LLVM's own function of that name for vectors like ``result``."""
    element = {ir.FloatType: "f32", ir.DoubleType: "f64"}.get(type(result.element))
    name = f"{name}.v{result.count}{element or f'i{result.element.width}'}"
    kind = ir.FunctionType(result, [arg.type for arg in args])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), args)


@intrinsic  # type: ignore[untyped-decorator]
def number_at(context: Any, array: Any, index: Any) -> Any:
    """The number of a contiguous array at an index that is not negative; unchecked."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, args[0])
        return builder.load(builder.gep(array.data, [args[1]]))

    return array.dtype(array, types.intp), codegen


@intrinsic  # type: ignore[untyped-decorator]
def plus_product(context: Any, left: Any, factor: Any, right: Any) -> Any:
    """``left + factor * right`` for three vectors of one floating type."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        # "contract" lets the processor do both in one instruction.
        product = builder.fmul(args[1], args[2], flags=("contract",))
        return builder.fadd(args[0], product, flags=("contract",))

    return left(left, left, left), codegen


@intrinsic  # type: ignore[untyped-decorator]
def larger(context: Any, left: Any, right: Any) -> Any:
    """The larger number of each lane of two vectors of one floating type; NaN if either is NaN."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _call(builder, "llvm.maximum", args, result=args[0].type)

    return left(left, left), codegen


@intrinsic  # type: ignore[untyped-decorator]
def keep_unless_below(context: Any, bits: Any, mask: Any, values: Any, threshold: Any) -> Any:
    """``bits`` where ``values < threshold``, else ``bits & mask``, per lane; NaN is not below.

    ``bits`` and ``values`` are vectors of the same width, ``mask`` and ``threshold`` numbers.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        bits, mask, values, threshold = args
        below = builder.fcmp_ordered("<", values, _everywhere(builder, threshold, values.type))
        masked = builder.and_(bits, _everywhere(builder, mask, bits.type))
        return builder.select(below, bits, masked)

    return bits(bits, bits.dtype, values, values.dtype), codegen


@intrinsic  # type: ignore[untyped-decorator]
def all_bits(context: Any, array: Any, width: Any) -> Any:
    """``width`` numbers with every bit set, of the integer type of an array."""
    if not isinstance(width, types.IntegerLiteral):
        return None
    lanes = Lanes(array.dtype, width.literal_value)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector = context.get_value_type(lanes)
        return ir.Constant(vector, [-1] * vector.count)

    return lanes(array, width), codegen


@intrinsic  # type: ignore[untyped-decorator]
def leading_zeros(context: Any, lanes: Any) -> Any:
    """The number of zeros above the highest bit that is set, per lane; all bits for 0."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        zero_counts = ir.Constant(ir.IntType(1), 0)
        return _call(builder, "llvm.ctlz", (args[0], zero_counts), result=args[0].type)

    return lanes(lanes), codegen
