"""Alert packets, many at once: bytes in, arrays out.

Read are the fields asked for; all others are stepped over. ZTF's packets carry their schema, nine
of which hide behind five version strings: each is compiled once (``schema_program``), and machine
code then reads its records (``decode_cpu``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.alerts import decode_cpu
from udfs.alerts.containers import Contained, open_container
from udfs.alerts.fields import HISTORY, INTEGERS, NUMBERS, SPANS, Fields, Kind
from udfs.alerts.framed import open_framed
from udfs.alerts.reasons import BAD_RECORD, MESSAGE_TOO_LARGE, BadAlert
from udfs.alerts.schema_program import program_of

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
_FIRST_ROOM = 64
# Elements of the arrays of one message: a year of forced photometry has hundreds.
_MOST_ELEMENTS = 100_000
_ENDINGS = {
    decode_cpu.TRUNCATED: "the record ends early",
    decode_cpu.BAD_BRANCH: "a union has no such branch",
    decode_cpu.BAD_LENGTH: "a length is negative or beyond the end",
    decode_cpu.BAD_BOOLEAN: "a boolean is neither 0 nor 1",
    decode_cpu.NOT_ALL_READ: "bytes are left behind the record",
    decode_cpu.TOO_LONG: "the record does not end",
}


@dataclass(frozen=True)
class Packets:
    """The fields of n messages.

    Attributes
    ----------
    numbers, has_number
        Path -> (n,) float64, and (n,) bool: false where the packet says null or has no such field.
        NaN and false where the message could not be read.
    integers, has_integer
        Path -> (n,) int64, 0 where there is none, and (n,) bool.
    texts
        Path -> n strings or None.
    blobs
        Path -> n bytes or None.
    history
        Path -> flat (n_elements,) float64: the elements of all messages, one after another.
    offsets
        Path of an array -> (n + 1,) int64: message ``i`` owns elements
        ``offsets[i]:offsets[i + 1]`` of the fields below that path.
    problems
        What is wrong with each message; None for those that were read.
    """

    numbers: dict[str, FloatArray]
    has_number: dict[str, BoolArray]
    integers: dict[str, NDArray[np.int64]]
    has_integer: dict[str, BoolArray]
    texts: dict[str, list[str | None]]
    blobs: dict[str, list[bytes | None]]
    history: dict[str, FloatArray]
    offsets: dict[str, NDArray[np.int64]]
    problems: list[BadAlert | None]

    def __len__(self) -> int:
        return len(self.problems)


def decode_packets(
    messages: Sequence[bytes | None], fields: Fields, *, schemas: Mapping[int, bytes] | None = None
) -> Packets:
    """Read the fields of each message; a bad one costs its own row only.

    Parameters
    ----------
    messages : n Avro object containers of one record each, or n framed records
    fields : Fields
        What to read. A field that a message's schema does not have is null.
    schemas : number -> text of a schema, optional
        With it the messages are framed records (:mod:`udfs.alerts.framed`), without containers.
    """
    opened = open_container if schemas is None else partial(open_framed, schemas=schemas)
    return _Decoder(len(messages), fields, opened).decode(messages)


class _Decoder:
    """Arrays for n messages and the walk that fills them."""

    def __init__(
        self, size: int, fields: Fields, opened: Callable[[bytes | None], Contained]
    ) -> None:
        self._fields, self._opened = fields, opened
        names = {store: fields.stored_in(store) for store in (NUMBERS, INTEGERS, SPANS, HISTORY)}
        self._names = names
        self._kept = (
            np.full((len(names[NUMBERS]), size), np.nan),
            np.zeros((len(names[NUMBERS]), size), dtype=np.bool_),
            np.zeros((len(names[INTEGERS]), size), dtype=np.int64),
            np.zeros((len(names[INTEGERS]), size), dtype=np.bool_),
            np.full((len(names[SPANS]), size, 2), -1, dtype=np.int64),
        )
        self._history = np.full((len(names[HISTORY]), _FIRST_ROOM * max(size, 1)), np.nan)
        self._filled = np.zeros(len(fields.arrays), dtype=np.int64)
        self._offsets = np.zeros((len(fields.arrays), size + 1), dtype=np.int64)
        self._spans: dict[str, list[Any]] = {name: [None] * size for name in names[SPANS]}

    def decode(self, messages: Sequence[bytes | None]) -> Packets:
        """Fill the arrays and name them."""
        problems: list[BadAlert | None] = [None] * len(messages)
        for row, message in enumerate(messages):
            try:
                self._read(row, message)
            except BadAlert as problem:
                self._forget(row)
                problems[row] = problem
            self._offsets[:, row + 1] = self._filled
        numbers, has_number, integers, has_integer, _ = self._kept
        names, arrays = self._names, self._fields.arrays
        ends = dict(zip(arrays, self._filled, strict=True))
        kinds = {path: kind for path, kind in self._fields}
        return Packets(
            numbers=dict(zip(names[NUMBERS], numbers, strict=True)),
            has_number=dict(zip(names[NUMBERS], has_number, strict=True)),
            integers=dict(zip(names[INTEGERS], integers, strict=True)),
            has_integer=dict(zip(names[INTEGERS], has_integer, strict=True)),
            texts={n: v for n, v in self._spans.items() if kinds[n] == Kind.TEXT},
            blobs={n: v for n, v in self._spans.items() if kinds[n] == Kind.BYTES},
            history={
                name: values[: ends[name.rpartition(".")[0]]]
                for name, values in zip(names[HISTORY], self._history, strict=True)
            },
            offsets=dict(zip(arrays, self._offsets, strict=True)),
            problems=problems,
        )

    def _read(self, row: int, message: bytes | None) -> None:
        contained = self._opened(message)
        program = program_of(contained.schema, self._fields)
        data = np.frombuffer(contained.data, dtype=np.uint8)
        while True:
            ending, at = decode_cpu.walk(
                program.code, program.array_of, data, contained.start, contained.stop,
                row, self._kept, self._history, self._filled,
            )  # fmt: skip
            if ending != decode_cpu.NO_ROOM:
                break
            self._forget(row)
            if self._history.shape[1] > self._filled.max() + _MOST_ELEMENTS:
                raise BadAlert(MESSAGE_TOO_LARGE, f"arrays of more than {_MOST_ELEMENTS} elements")
            more = np.full_like(self._history, np.nan)
            self._history = np.concatenate([self._history, more], axis=1)
        if ending != decode_cpu.DONE:
            raise BadAlert(
                BAD_RECORD, f"{_ENDINGS[ending]}, at byte {at - contained.start} of "
                f"{contained.stop - contained.start}",
            )  # fmt: skip
        for slot, (start, stop) in enumerate(self._kept[4][:, row].tolist()):
            if start >= 0:
                self._keep_span(slot, row, contained.data[start:stop])

    def _keep_span(self, slot: int, row: int, content: bytes) -> None:
        path = self._names[SPANS][slot]
        kind, _ = self._fields.slots[path]
        if kind == Kind.BYTES:
            self._spans[path][row] = content
            return
        try:
            self._spans[path][row] = content.decode()
        except UnicodeDecodeError:
            raise BadAlert(BAD_RECORD, f"{path} is no UTF-8 text: {content[:20]!r}") from None

    def _forget(self, row: int) -> None:
        """Undo what was kept of a message, so that a bad one leaves nothing behind."""
        numbers, has_number, integers, has_integer, spans = self._kept
        numbers[:, row], has_number[:, row] = np.nan, False
        integers[:, row], has_integer[:, row] = 0, False
        spans[:, row] = -1
        for values in self._spans.values():
            values[row] = None
        kept = self._offsets[:, row]
        for path, values in zip(self._names[HISTORY], self._history, strict=True):
            values[kept[self._fields.arrays.index(path.rpartition(".")[0])] :] = np.nan
        self._filled[:] = kept
