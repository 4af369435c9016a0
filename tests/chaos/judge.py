"""An independent judge of alert packets: fastavro, zlib and astropy, and the rules as written.

It shares no code with the decoder: only the list of fields that are read (with the kind of value
each must be) and the limits come from the project. What libraries leave open is decided here:

- A container is what the Avro specification says: one header, one block of one record, its size and
  both sync markers right, nothing behind. fastavro itself passes over sizes and checksums.
- A field that is read must be declared with a type that can be read as what it is.
- Texts that are read must be UTF-8; others are nobody's concern.
- A stamp is one gzip stream; bytes behind it are ignored, as gzip itself does.
- Of the cards of FITS those that say where the pixels are must be there as the standard has them,
  in capitals; what others say is nobody's concern, though astropy refuses a file for them.
"""

import io
import json
import math
import warnings
import zlib
from typing import Any, NamedTuple

import astropy.io.fits as fits
import cramjam
import fastavro
import numpy as np

from streaming.score import STREAM_FIELDS
from udfs.alerts.containers import LARGEST_RECORD
from udfs.alerts.cutouts import CHANNELS, LARGEST_FILE, SIDE
from udfs.alerts.fields import Kind

_HEADER = fastavro.parse_schema({
    "type": "record", "name": "Header", "fields": [
        {"name": "magic", "type": {"type": "fixed", "name": "Magic", "size": 4}},
        {"name": "meta", "type": {"type": "map", "values": "bytes"}},
        {"name": "sync", "type": {"type": "fixed", "name": "Sync", "size": 16}},
    ]})  # fmt: skip
_NUMBERS = {"int", "long", "float", "double"}
_TYPES = {
    Kind.NUMBER: _NUMBERS, Kind.HISTORY_NUMBER: _NUMBERS, Kind.INTEGER: {"int", "long"},
    Kind.FLAG: {"boolean", "string"}, Kind.HISTORY_FLAG: {"boolean", "string"},
    Kind.TEXT: {"string"}, Kind.BYTES: {"bytes"},
}  # fmt: skip
_CARD, _BLOCK = 80, 2880
_NEEDED = {
    name.ljust(8)
    for name in (b"SIMPLE", b"BITPIX", b"NAXIS", b"NAXIS1", b"NAXIS2", b"BSCALE", b"BZERO", b"END")
}
_YEARS_JD = (2_451_544.5, 2_488_069.5)


class Verdict(NamedTuple):
    """What a message is.

    Attributes
    ----------
    candid
        Of a valid alert; None for a message that is none.
    record
        As fastavro reads it; None if it cannot.
    why
        Why it is no alert.
    """

    candid: int | None
    record: dict[str, Any] | None = None
    why: str = ""


class _Refused(Exception):
    pass


def judge(message: bytes) -> Verdict:
    """Whether a message is a valid alert, and which."""
    record = None
    try:
        schema, data = _opened(message)
        record = _read(schema, data)
        return Verdict(_checked(record), record)
    except _Refused as refused:
        return Verdict(None, record, str(refused))


def _opened(message: bytes) -> tuple[Any, bytes]:
    if len(message) > LARGEST_RECORD:
        raise _Refused("too large")
    file = io.BytesIO(message)
    try:
        header: Any = fastavro.schemaless_reader(
            file, _HEADER, None, handle_unicode_errors="replace"
        )
        count = fastavro.schemaless_reader(file, "long", None)
        size = fastavro.schemaless_reader(file, "long", None)
    except Exception as error:  # whatever a library raises on bytes that are no container
        raise _Refused(f"container: {error!r}") from None
    block = file.read(max(size, 0))
    if header["magic"] != b"Obj\x01" or count != 1 or size != len(block):
        raise _Refused(f"container: {header['magic']!r}, {count} records, {size} bytes")
    if file.read() != header["sync"]:
        raise _Refused("container: the second marker differs, or something follows")
    try:
        schema = fastavro.parse_schema(json.loads(header["meta"]["avro.schema"]))
    except Exception as error:  # as above
        raise _Refused(f"schema: {error!r}") from None
    _check_types(schema)
    return schema, _unpacked(block, header["meta"].get("avro.codec", b"null"))


def _unpacked(block: bytes, codec: bytes) -> bytes:
    if codec == b"null":
        return block
    try:
        if codec == b"deflate":
            inflater = zlib.decompressobj(-15)
            data = inflater.decompress(block, LARGEST_RECORD + 1)
            whole = inflater.eof
        elif codec == b"snappy":
            if cramjam.snappy.decompress_raw_len(block[:-4]) > LARGEST_RECORD:
                raise _Refused("snappy: too large")
            data = bytes(cramjam.snappy.decompress_raw(block[:-4]))
            whole = zlib.crc32(data).to_bytes(4, "big") == block[-4:]
        else:
            raise _Refused(f"codec {codec!r}")
    except (zlib.error, cramjam.DecompressionError) as error:
        raise _Refused(f"{codec!r}: {error}") from None
    if not whole or len(data) > LARGEST_RECORD:
        raise _Refused(f"{codec!r}: not whole, or too large")
    return data


def _check_types(schema: Any) -> None:
    if not isinstance(schema, dict) or schema.get("type") != "record":
        raise _Refused("schema: no record")
    declared = _declared(fastavro.schema.expand_schema(schema), "")
    for path, kind in STREAM_FIELDS:
        wrong = {t for t, in_array in declared.get(path, set()) if t not in _TYPES[kind]}
        history = kind in (Kind.HISTORY_NUMBER, Kind.HISTORY_FLAG)
        if wrong or any(in_array != history for _, in_array in declared.get(path, set())):
            raise _Refused(f"schema: {path} is {wrong or 'in the wrong place'}")


def _declared(schema: Any, path: str, in_array: bool = False) -> dict[str, set[tuple[str, bool]]]:
    """Path -> the types, without null, that a schema declares there, and whether in an array."""
    branches = schema if isinstance(schema, list) else [schema]
    found: dict[str, set[tuple[str, bool]]] = {}
    for branch in branches:
        name = branch if isinstance(branch, str) else branch["type"]
        inner: list[dict[str, set[tuple[str, bool]]]] = []
        if isinstance(name, dict | list):
            inner.append(_declared(name, path, in_array))
        elif name == "record":
            inner += [
                _declared(field["type"], f"{path}.{field['name']}".lstrip("."), in_array)
                for field in branch["fields"]
            ]
        elif name == "array":
            inner.append(_declared(branch["items"], path, True))
        elif name != "null" and path:
            inner.append({path: {(name, in_array)}})
        for each in inner:
            for key, types in each.items():
                found.setdefault(key, set()).update(types)
    return found


def _read(schema: Any, data: bytes) -> dict[str, Any]:
    file = io.BytesIO(data)
    try:
        record = fastavro.schemaless_reader(file, schema, None, handle_unicode_errors="replace")
    except Exception as error:  # as above
        raise _Refused(f"record: {error!r}") from None
    if file.read(1):
        raise _Refused("record: bytes are left")
    for path, kind in STREAM_FIELDS:
        if kind == Kind.TEXT and "\ufffd" in (_at(record, path) or ""):
            raise _Refused(f"record: {path} is no text")
    return record  # type: ignore[return-value]


def _at(record: Any, path: str) -> Any:
    for name in path.split("."):
        record = record.get(name) if isinstance(record, dict) else None
    return record


def _checked(record: dict[str, Any]) -> int:
    candid = _at(record, "candid")
    candid = _at(record, "candidate.candid") if candid is None else candid
    if candid is None or candid <= 0:
        raise _Refused(f"candid {candid}")
    if not _at(record, "objectId"):
        raise _Refused("objectId")
    jd, ra, dec = (
        math.nan if (value := _at(record, f"candidate.{name}")) is None else value
        for name in ("jd", "ra", "dec")
    )
    if not _YEARS_JD[0] <= jd <= _YEARS_JD[1]:
        raise _Refused(f"jd {jd}")
    if not (0 <= ra < 360 and -90 <= dec <= 90):
        raise _Refused(f"position {ra}, {dec}")
    for channel in CHANNELS:
        _check_stamp(_at(record, f"cutout{channel}.stampData"))
    return int(candid)


def _check_stamp(stamp: bytes | None) -> None:
    if not stamp:
        raise _Refused("no stamp")
    inflater = zlib.decompressobj(31)
    try:
        content = inflater.decompress(stamp, LARGEST_FILE + 1)
    except zlib.error as error:
        raise _Refused(f"stamp: {error}") from None
    if len(content) > LARGEST_FILE or not inflater.eof:
        raise _Refused("stamp: too large, or not whole")
    pixels = _pixels(content)
    if not np.any(np.nan_to_num(pixels)):
        raise _Refused("stamp: blank")


def _pixels(content: bytes) -> Any:
    needed, start = _needed_cards(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # ZTF's SIMPLE card
            # As written: astropy fills in what an opened file lacks.
            header = fits.Header.fromstring(b"".join(needed[:-1]))
            depth, axes = header["BITPIX"], header["NAXIS"]
            if header["SIMPLE"] is not True or depth not in (-32, -64) or axes != 2:
                raise _Refused(f"stamp: BITPIX {depth}, NAXIS {axes}")
            width, height = header["NAXIS1"], header["NAXIS2"]
            if not (1 <= width <= SIDE and 1 <= height <= SIDE):
                raise _Refused(f"stamp: {width} x {height}")
            # What follows the pixels would be read as another image.
            size = width * height * -depth // 8
            if len(content) < start + size:
                raise _Refused(f"stamp: {len(content)} bytes, {start + size} announced")
            pixels = content[start : start + size].ljust(-(-size // _BLOCK) * _BLOCK, b"\0")
            with fits.open(io.BytesIO(b"".join(needed).ljust(_BLOCK) + pixels)) as images:
                return np.array(images[0].data, dtype=np.float64)
    except _Refused:
        raise
    except Exception as error:  # as above
        raise _Refused(f"stamp: {error!r}") from None


def _needed_cards(content: bytes) -> tuple[list[bytes], int]:
    """The cards that say where the pixels are, up to END, and where the header stops."""
    needed = []
    for at in range(0, len(content), _CARD):
        card = content[at : at + _CARD]
        if card[:8] in _NEEDED:
            needed.append(card)
        if card[:8] == b"END     ":
            return needed, -(-(at + _CARD) // _BLOCK) * _BLOCK
    raise _Refused("stamp: no END")
