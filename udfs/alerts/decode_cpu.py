"""The loop that runs a schema's program over the bytes of one record."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.alerts.fields import Kind
from udfs.alerts.schema_program import (
    ARRAY,
    BLOB,
    BOOLEAN,
    DEEPEST,
    DOUBLE,
    END,
    FIXED,
    FLOAT,
    JUMP,
    LONG,
    NEXT,
    STEP,
    UNION,
)
from udfs.jit import jit

Bytes = NDArray[np.uint8]
Kept = tuple[
    NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64]
]
# How a walk ends.
DONE, TRUNCATED, BAD_BRANCH, BAD_LENGTH, BAD_BOOLEAN, NOT_ALL_READ, TOO_LONG, NO_ROOM = range(8)
_NUMBER, _INTEGER, _FLAG = int(Kind.NUMBER), int(Kind.INTEGER), int(Kind.FLAG)
_TEXT, _BYTES = int(Kind.TEXT), int(Kind.BYTES)
_HISTORY_NUMBER, _HISTORY_FLAG = int(Kind.HISTORY_NUMBER), int(Kind.HISTORY_FLAG)
_LONGEST_WALK = 20_000_000
_t, _f, _1, _0 = (ord(c) for c in "tf10")


@jit
def _long_at(data: Bytes, at: int, stop: int) -> tuple[Any, Any]:
    """The Avro long at a position, and the position behind it; -1 if there is none."""
    value = np.uint64(0)
    shift = np.uint64(0)
    while at < stop and shift < np.uint64(64):
        byte = np.uint64(data[at])
        at += 1
        value |= (byte & np.uint64(0x7F)) << shift
        if byte < np.uint64(0x80):
            return np.int64(value >> np.uint64(1)) ^ -np.int64(value & np.uint64(1)), at
        shift += np.uint64(7)
    return np.int64(0), -1


@jit
def _block_at(data: Bytes, at: int, stop: int) -> tuple[Any, Any]:
    """The elements of the next block of an array, 0 at its end; and the position behind that."""
    count, at = _long_at(data, at, stop)
    if at >= 0 and count < 0:  # then the size of the block follows
        count = -count
        _, at = _long_at(data, at, stop)
    return count, at


@jit
def _flag_of(data: Bytes, at: int, size: int) -> float:
    """1 for true, 0 for false, NaN for other texts: ZTF writes t or f, older packets 1 or 0."""
    if size == 1 and (data[at] == _t or data[at] == _1):
        return 1.0
    if size == 1 and (data[at] == _f or data[at] == _0):
        return 0.0
    return np.nan


@jit
def walk(
    code: NDArray[np.int32],
    array_of: NDArray[np.int32],
    data: Bytes,
    start: int,
    stop: int,
    row: int,
    kept: Kept,
    history: NDArray[np.float64],
    filled: NDArray[np.int64],
) -> tuple[int, int]:
    """Read the record ``data[start:stop]``; returns how the walk ended and the position.

    Parameters
    ----------
    code, array_of
        The program.
    data : (n,) uint8
    row : int
        Column of the arrays in ``kept`` that this record fills.
    kept : numbers (f, n) float64, has_number (f, n) bool, integers (i, n) int64,
        has_integer (i, n) bool, spans (s, n, 2) int64
        Spans are start and stop within ``data``; untouched where the packet says null.
    history : (h, capacity) float64, NaN where free
    filled : (n_arrays,) int64
        Elements of each array in ``history`` so far; advanced.
    """
    numbers, has_number, integers, has_integer, spans = kept
    left = np.zeros(DEEPEST, dtype=np.int64)
    depth = -1
    at = start
    step = 0
    for _ in range(_LONGEST_WALK):
        what, argument, kind, slot = code[step], code[step + 1], code[step + 2], code[step + 3]
        step += STEP
        number = 0.0
        is_number = False
        if what == LONG:
            long, at = _long_at(data, at, stop)
            if at < 0:
                return TRUNCATED, stop
            if kind == _INTEGER:
                integers[slot, row] = long
                has_integer[slot, row] = True
            elif kind >= 0:
                number = float(long)
                is_number = True
        elif what == FLOAT:
            if at + 4 > stop:
                return TRUNCATED, at
            if kind >= 0:
                number = float(data[at : at + 4].view(np.float32)[0])
                is_number = True
            at += 4
        elif what == DOUBLE:
            if at + 8 > stop:
                return TRUNCATED, at
            if kind >= 0:
                number = data[at : at + 8].view(np.float64)[0]
                is_number = True
            at += 8
        elif what == UNION:
            branch, at = _long_at(data, at, stop)
            if at < 0:
                return TRUNCATED, stop
            if branch < 0 or branch >= argument:
                return BAD_BRANCH, at
            step = code[step + STEP * branch + 1]
        elif what == JUMP:
            step = argument
        elif what == BLOB:
            size, at = _long_at(data, at, stop)
            if at < 0:
                return TRUNCATED, stop
            if size < 0 or size > stop - at:
                return BAD_LENGTH, at
            if kind == _TEXT or kind == _BYTES:
                spans[slot, row, 0] = at
                spans[slot, row, 1] = at + size
            elif kind >= 0:
                number = _flag_of(data, at, size)
                is_number = True
            at += size
        elif what == BOOLEAN:
            if at >= stop:
                return TRUNCATED, at
            if data[at] > 1:
                return BAD_BOOLEAN, at
            number = float(data[at])
            is_number = kind >= 0
            at += 1
        elif what == FIXED:
            if argument > stop - at:
                return TRUNCATED, at
            at += argument
        elif what == ARRAY or what == NEXT:
            array = step - STEP
            if what == ARRAY:
                depth += 1
            else:
                array = argument
                left[depth] -= 1
            if left[depth] == 0:
                left[depth], at = _block_at(data, at, stop)
                if at < 0:
                    return TRUNCATED, stop
                # An element takes a byte at least, or there is no end to what a length can claim.
                if left[depth] < 0 or left[depth] > stop - at:
                    return BAD_LENGTH, at
            if left[depth] == 0:
                depth -= 1
                step = code[array + 1]
            else:
                step = array + STEP
                owner = code[array + 2]
                if owner >= 0:
                    if filled[owner] == history.shape[1]:
                        return NO_ROOM, at
                    filled[owner] += 1
        elif what == END:
            return (DONE if at == stop else NOT_ALL_READ), at
        if is_number:
            if kind == _HISTORY_NUMBER or kind == _HISTORY_FLAG:
                history[slot, filled[array_of[slot]] - 1] = number
            elif kind == _NUMBER or kind == _FLAG:
                numbers[slot, row] = number
                has_number[slot, row] = True
    return TOO_LONG, at
