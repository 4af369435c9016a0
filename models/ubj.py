"""Reading Universal Binary JSON, the form in which XGBoost stores its models.

Arrays of numbers of one type, which are all but the whole of a model, are taken over as they stand;
reading the same model from JSON takes ten times as long.
"""

import struct
from typing import Any

import numpy as np

from udfs.errors import ContractError

_NUMBERS = {
    marker: (struct.Struct(f">{kind}"), np.dtype(f">{kind}"))
    for marker, kind in {
        b"i": "b",
        b"U": "B",
        b"I": "h",
        b"l": "i",
        b"L": "q",
        b"d": "f",
        b"D": "d",
    }.items()
}
_CONSTANTS = {b"T": True, b"F": False, b"Z": None}


def read_ubj(content: bytes) -> Any:
    """What the bytes stand for: dicts, lists, str, numbers, and arrays for lists of one type.

    The arrays are read-only and big-endian, as stored.

    Raises
    ------
    ContractError
        If they are no such file, or end too early.
    """
    try:
        return _Reader(content).value()
    except (struct.error, KeyError, ValueError, IndexError, RecursionError) as error:
        raise ContractError(f"not a model in UBJ form ({len(content)} bytes): {error!r}") from error


class _Reader:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def value(self) -> Any:
        marker = self._content[self._at : self._at + 1]
        self._at += 1
        if marker in _NUMBERS:
            form = _NUMBERS[marker][0]
            self._at += form.size
            return form.unpack_from(self._content, self._at - form.size)[0]
        if marker == b"[":
            return self._array()
        if marker == b"{":
            return self._object()
        if marker == b"S":
            return self._text()
        return _CONSTANTS[marker]

    def _object(self) -> dict[str, Any]:
        found = {}
        while not self._follows(b"}"):
            name = self._text()
            found[name] = self.value()
        return found

    def _array(self) -> Any:
        if self._follows(b"$"):
            dtype = _NUMBERS[self._take(1)][1]
            if not self._follows(b"#"):
                raise ValueError("an array with a type but without a length")
            count, start = self.value(), self._at
            self._at += count * dtype.itemsize
            return np.frombuffer(self._content, dtype, count, start)
        if self._follows(b"#"):
            return [self.value() for _ in range(self.value())]
        found = []
        while not self._follows(b"]"):
            found.append(self.value())
        return found

    def _text(self) -> str:
        return self._take(self.value()).decode()

    def _follows(self, marker: bytes) -> bool:
        found = self._content.startswith(marker, self._at)
        self._at += found
        return found

    def _take(self, count: int) -> bytes:
        self._at += count
        if self._at > len(self._content):
            raise ValueError(f"it ends at byte {len(self._content)}")
        return self._content[self._at - count : self._at]
