"""Which values of a packet are read, and in which form."""

from collections.abc import Sequence
from enum import IntEnum
from functools import cached_property
from typing import NamedTuple


class Kind(IntEnum):
    """The form in which a value of a packet is wanted."""

    NUMBER = 0
    """float64; from any number"""
    INTEGER = 1
    """int64; from int or long only, since a float has lost the digits of an id"""
    FLAG = 2
    """float64 1 or 0; from a boolean or from ``t``, ``f``, ``1``, ``0``"""
    TEXT = 3
    BYTES = 4
    HISTORY_NUMBER = 5
    """NUMBER within an array of records: one value per element, NaN for null"""
    HISTORY_FLAG = 6
    """FLAG within an array of records: one value per element, NaN for null"""


class Field(NamedTuple):
    """One value: its path of names from the top of the packet, joined by dots."""

    path: str
    kind: Kind


class Fields(tuple[Field, ...]):
    """The values that are wanted, each with its row in the arrays of its kind."""

    @classmethod
    def of(cls, wanted: Sequence[tuple[str, Kind]]) -> "Fields":
        """From pairs of path and kind."""
        return cls(Field(path, kind) for path, kind in wanted)

    @cached_property
    def slots(self) -> dict[str, tuple[Kind, int]]:
        """Path -> kind, and row among the values stored in the same array."""
        counts: dict[int, int] = {}
        slots = {}
        for path, kind in self:
            where = _STORED_IN[kind]
            slots[path] = (kind, counts.setdefault(where, 0))
            counts[where] += 1
        return slots

    def stored_in(self, store: int) -> list[str]:
        """Paths of the values kept in one array, in the order of its rows."""
        return [path for path, kind in self if _STORED_IN[kind] == store]

    @cached_property
    def arrays(self) -> list[str]:
        """Paths of the arrays of records that values are wanted from."""
        return list(dict.fromkeys(p.rpartition(".")[0] for p in self.stored_in(HISTORY)))


NUMBERS, INTEGERS, SPANS, HISTORY = range(4)
_STORED_IN = {
    Kind.NUMBER: NUMBERS, Kind.FLAG: NUMBERS, Kind.INTEGER: INTEGERS, Kind.TEXT: SPANS,
    Kind.BYTES: SPANS, Kind.HISTORY_NUMBER: HISTORY, Kind.HISTORY_FLAG: HISTORY,
}  # fmt: skip
