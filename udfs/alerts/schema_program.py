"""An Avro schema as a program: the steps that read one record and keep what is wanted of it.

Reading a packet through its schema, field by field in Python, costs more than all that is done with
its values. Compiled once per schema into integers, the walk is a loop of machine code
(``decode_cpu``), and what nobody wants is stepped over without a copy.
"""

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from fastavro import parse_schema
from fastavro.schema import SchemaParseException, UnknownType, expand_schema
from numpy.typing import NDArray

from udfs.alerts.fields import Fields, Kind
from udfs.alerts.reasons import BAD_SCHEMA, BadAlert

# Steps are four integers: what, its argument, the kind wanted (-1: none), its row.
STEP = 4
(END, LONG, FLOAT, DOUBLE, BOOLEAN, BLOB, FIXED, UNION, JUMP, ARRAY, NEXT) = range(11)
_KEEP_NOTHING = -1
# Deepest nesting of arrays; the largest known schema has one level.
DEEPEST = 8
_LARGEST_SCHEMA = 1 << 20
_LARGEST_PROGRAM = 100_000

_SCALARS = {
    "int": LONG, "long": LONG, "float": FLOAT, "double": DOUBLE, "boolean": BOOLEAN,
    "bytes": BLOB, "string": BLOB, "enum": LONG,
}  # fmt: skip
_ACCEPTED = {
    Kind.NUMBER: ("int", "long", "float", "double"),
    Kind.INTEGER: ("int", "long"),
    Kind.FLAG: ("boolean", "string"),
    Kind.TEXT: ("string",),
    Kind.BYTES: ("bytes",),
    Kind.HISTORY_NUMBER: ("int", "long", "float", "double"),
    Kind.HISTORY_FLAG: ("boolean", "string"),
}


class Program(NamedTuple):
    """Steps in a flat array, and for each row of the history the number of its array."""

    code: NDArray[np.int32]
    array_of: NDArray[np.int32]
    present: frozenset[str]


@lru_cache(maxsize=64)
def program_of(schema: bytes, fields: Fields) -> Program:
    """The program for a writer's schema, kept by its text.

    Two schemas of one version string differ: the text alone tells them apart.

    Raises
    ------
    BadAlert
        If the text is no Avro schema, its top is no record, or a wanted field is of a type that
        cannot be read as wanted.
    """
    if len(schema) > _LARGEST_SCHEMA:
        raise BadAlert(BAD_SCHEMA, f"{len(schema)} bytes of schema")
    try:
        parsed = json.loads(schema)
        expanded = expand_schema(parse_schema(parsed))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BadAlert(BAD_SCHEMA, f"{type(error).__name__}: {error}"[:200]) from None
    except (SchemaParseException, UnknownType) as error:
        raise BadAlert(BAD_SCHEMA, str(error)[:200]) from None
    if not isinstance(expanded, dict) or expanded.get("type") != "record":
        raise BadAlert(BAD_SCHEMA, "the top of the schema is no record")
    compiler = _Compiler(fields)
    compiler.compile(expanded, "", in_array=-1)
    compiler.step(END)
    arrays = fields.arrays
    owners = [arrays.index(p.rpartition(".")[0]) for p in fields.slots if _in_history(fields, p)]
    return Program(
        np.array(compiler.code, dtype=np.int32),
        np.array(owners, dtype=np.int32),
        frozenset(compiler.found),
    )


def _size_of(fixed: Any, path: str) -> int:
    size = fixed.get("size")
    if not isinstance(size, int) or not 0 <= size < 2**31:
        raise BadAlert(BAD_SCHEMA, f"{path} has the fixed size {size!r}")
    return size


def _in_history(fields: Fields, path: str) -> bool:
    return fields.slots[path][0] in (Kind.HISTORY_NUMBER, Kind.HISTORY_FLAG)


class _Compiler:
    """Walks a schema once and writes the steps."""

    def __init__(self, fields: Fields) -> None:
        self.code: list[int] = []
        self.found: set[str] = set()
        self._fields = fields
        self._depth = 0

    def step(self, what: int, argument: int = 0, kind: int = _KEEP_NOTHING, row: int = 0) -> int:
        """Append a step; returns its position."""
        if len(self.code) > _LARGEST_PROGRAM:
            raise BadAlert(BAD_SCHEMA, "more than 25000 steps")
        self.code += [what, argument, kind, row]
        return len(self.code) - STEP

    def compile(self, schema: Any, path: str, *, in_array: int) -> None:
        """Append the steps that read one value of ``schema``, which stands at ``path``."""
        if isinstance(schema, list):
            self._union(schema, path, in_array)
            return
        name = schema["type"] if isinstance(schema, dict) else schema
        if isinstance(name, dict | list):
            self.compile(name, path, in_array=in_array)
        elif name in ("record", "error"):
            for field in schema["fields"]:
                below = f"{path}.{field['name']}" if path else field["name"]
                self.compile(field["type"], below, in_array=in_array)
        elif name == "array":
            self._array(path, lambda a: self.compile(schema["items"], path, in_array=a))
        elif name == "map":
            # No wanted path leads into a map: its values have no names of their own.
            self._array("", lambda a: self._entry(schema["values"]))
        elif name == "fixed":
            self.step(FIXED, _size_of(schema, path))
        elif name in _SCALARS:
            self.step(_SCALARS[name], 0, *self._wanted(path, name, in_array))
        elif name != "null":
            raise BadAlert(BAD_SCHEMA, f"{path} has the type {name!r}, which refers to itself")

    def _union(self, branches: list[Any], path: str, in_array: int) -> None:
        """UNION n, then one JUMP per branch, then the branches, each ending in a JUMP away."""
        self.step(UNION, len(branches))
        table = [self.step(JUMP) for _ in branches]
        leave = []
        for entry, branch in zip(table, branches, strict=True):
            self.code[entry + 1] = len(self.code)
            self.compile(branch, path, in_array=in_array)
            leave.append(self.step(JUMP))
        for jump in leave:
            self.code[jump + 1] = len(self.code)

    def _array(self, path: str, item: Callable[[int], None]) -> None:
        """ARRAY end, the element, NEXT back to it."""
        if self._depth == DEEPEST:
            raise BadAlert(BAD_SCHEMA, f"{path}: arrays within {DEEPEST} arrays")
        self._depth += 1
        arrays = self._fields.arrays
        number = arrays.index(path) if path in arrays else -1
        start = self.step(ARRAY, 0, number)
        item(number)
        self.step(NEXT, start)
        self.code[start + 1] = len(self.code)
        self._depth -= 1

    def _entry(self, values: Any) -> None:
        self.step(BLOB)
        self.compile(values, "", in_array=-1)

    def _wanted(self, path: str, avro_type: str, in_array: int) -> tuple[int, int]:
        if path not in self._fields.slots:
            return _KEEP_NOTHING, 0
        kind, row = self._fields.slots[path]
        history = kind in (Kind.HISTORY_NUMBER, Kind.HISTORY_FLAG)
        if avro_type not in _ACCEPTED[kind] or history != (in_array >= 0):
            place = " within an array" if in_array >= 0 else ""
            raise BadAlert(
                BAD_SCHEMA, f"{path} is {avro_type}{place}, expected {kind.name.lower()}"
            )
        self.found.add(path)
        return int(kind), row
