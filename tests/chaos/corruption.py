"""Ways in which a packet can be damaged; each turns an alert into a message, by a seed."""

import gzip
import io
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

import fastavro
import numpy as np
from astropy.io import fits
from made_alerts import packet, record, schema, stamp

from jobs.alerts.fresh import copier
from udfs.alerts.metadata import FEATURES

Rng = np.random.Generator
Damage = Callable[[Rng, int], bytes]
FIRST = 2_300_000_000_000_000_000
_BASES = 8
_STAMPS = ("cutoutScience", "cutoutTemplate", "cutoutDifference")
_ODD = (float("nan"), float("inf"), float("-inf"), 3.4e38, -3.4e38, 1e-45, -999.0, 0.0, -1.0, 360.0)
# Bytes that the bombs unpack to; the limits are far below.
BOMB = 200_000_000


def damaged(count: int, seed: int) -> list[tuple[str, bytes]]:
    """Name of the damage, and message; all kinds equally often, each from an alert of its own."""
    rng = np.random.default_rng(seed)
    names = list(DAMAGES)
    chosen = [names[i % len(names)] for i in range(count)]
    return [(name, DAMAGES[name](rng, FIRST + i)) for i, name in enumerate(chosen)]


# Damage to the bytes of a message.


def _whole(rng: Rng, candid: int) -> bytes:
    return _copiers()[rng.integers(_BASES)](candid)


def _flip_anywhere(rng: Rng, candid: int) -> bytes:
    message = _whole(rng, candid)
    return _flipped(rng, message, 0, len(message), bits=int(rng.integers(1, 4)))


def _flip_in_head(rng: Rng, candid: int) -> bytes:
    message = _whole(rng, candid)
    return _flipped(rng, message, 0, _record_start(message))


def _flip_in_numbers(rng: Rng, candid: int) -> bytes:
    message = _whole(rng, candid)
    start = _record_start(message)
    return _flipped(rng, message, start, message.index(b"\x1f\x8b", start))


def _flip_in_stamps(rng: Rng, candid: int) -> bytes:
    message = _whole(rng, candid)
    return _flipped(rng, message, message.index(b"\x1f\x8b", _record_start(message)), len(message))


def _truncated(rng: Rng, candid: int) -> bytes:
    message = _whole(rng, candid)
    return message[: rng.integers(len(message))]


def _extended(rng: Rng, candid: int) -> bytes:
    message = _whole(rng, candid)
    return message + (rng.bytes(5) if rng.random() < 0.5 else message)


def _two_records(rng: Rng, candid: int) -> bytes:
    buffer = io.BytesIO()
    fastavro.writer(buffer, _written_schema(), [_alert(rng, candid), _alert(rng, candid)])
    return buffer.getvalue()


def _compressed(rng: Rng, candid: int) -> bytes:
    """Another codec, half of them damaged."""
    codec = str(rng.choice(["deflate", "snappy", "bzip2", "xz"]))
    message = packet(_alert(rng, candid), codec=codec)
    if rng.random() < 0.5:
        return message
    return _flipped(rng, message, _record_start(message), len(message))


def _no_packet(rng: Rng, candid: int) -> bytes:
    return [b"", rng.bytes(300), b'{"candid": 1}', b"\x00\x00\x00\x00\x07" + rng.bytes(200),
            b"Obj\x01", b"Obj\x01" + rng.bytes(500)][rng.integers(6)]  # fmt: skip


def _wrong_schema(rng: Rng, candid: int) -> bytes:
    """Fields of other types, or none of them, written as their schema says."""
    changes: dict[str, tuple[Any, Any]] = {
        "jd": ("string", "today"), "candid": ("string", str(candid)), "dec": ("int", -5),
        "ra": (["null", "float"], None), "fid": (["null", "string"], None), "rb": ("boolean", True),
        "magpsf": ("string", "bright"), "isdiffpos": ("int", 1), "field": ("double", 245.0),
    }  # fmt: skip
    name = str(rng.choice([*changes, "another"]))
    if name == "another":
        other = {"type": "record", "name": "lsst.alert", "fields": [
            {"name": "diaSourceId", "type": "long"}, {"name": "observation_reason",
             "type": ["null", "string"]}]}  # fmt: skip
        return packet({"diaSourceId": candid, "observation_reason": None}, other)
    dtype, value = changes[name]
    return packet(_alert(rng, candid, **{name: value}), schema(**{name: dtype}))


# Damage to what the packet says.


def _odd_number(rng: Rng, candid: int) -> bytes:
    name = str(rng.choice(["jd", "ra", "dec", *FEATURES]))
    return _written(_alert(rng, candid, **{name: float(rng.choice(_ODD))}))


def _huge_integer(rng: Rng, candid: int) -> bytes:
    name = str(rng.choice(["fid", "field", "rcid", "programid"]))
    return _written(_alert(rng, candid, **{name: int(rng.choice([2**31 - 1, -(2**31), 0, -1]))}))


def _odd_identity(rng: Rng, candid: int) -> bytes:
    alert = _alert(rng, candid)
    at = rng.integers(5)
    if at < 3:
        alert["candid"] = [None, 0, -candid][at]
    alert["objectId"] = ["", "ZTF21\u00e9"][at - 3] if at >= 3 else alert["objectId"]
    return _written(alert)


def _without_drb(rng: Rng, candid: int) -> bytes:
    alert = _alert(rng, candid)
    if rng.random() < 0.5:
        return _written({**alert, "candidate": {**alert["candidate"], "drb": None}})
    alert["candidate"].pop("drb")
    return packet(alert, schema(drb=None))


def _stamp_missing(rng: Rng, candid: int) -> bytes:
    return _with_stamp(rng, candid, None if rng.random() < 0.5 else b"")


def _stamp_of_odd_size(rng: Rng, candid: int) -> bytes:
    """Smaller ones are alerts from the edge of a chip; larger ones are none."""
    return _with_stamp(rng, candid, stamp(rng.normal(5, 1, rng.integers(1, 67, 2))))


def _stamp_of_odd_pixels(rng: Rng, candid: int) -> bytes:
    pixels = rng.normal(5, 1, (63, 63))
    kind = rng.integers(5)
    if kind < 3:
        pixels[:] = [0.0, np.nan, 3e38][kind]
    else:
        pixels[rng.integers(63), :] = [np.inf, np.nan][kind - 3]
    return _with_stamp(rng, candid, stamp(pixels, str(rng.choice([">f4", ">f8", ">i2"]))))


def _gzip_broken(rng: Rng, candid: int) -> bytes:
    content = stamp(rng.normal(5, 1, (63, 63)))
    if rng.random() < 0.5:
        return _with_stamp(rng, candid, content[: rng.integers(1, len(content))])
    return _with_stamp(rng, candid, _flipped(rng, content, 0, len(content)))


def _gzip_bomb(rng: Rng, candid: int) -> bytes:
    return _with_stamp(rng, candid, _bomb(31))


def _avro_bomb(rng: Rng, candid: int) -> bytes:
    """A block that unpacks to far more than any alert; snappy only announces it."""
    block = _bomb(-15)
    codec = "deflate"
    if rng.random() < 0.5:
        codec, block = "snappy", b"\xff\xff\xff\xff\x0f" + rng.bytes(50)
    header = packet(_alert(rng, candid), codec=codec)
    head, sync = header[: _record_start(header, before_block=True)], header[-16:]
    numbers = io.BytesIO()
    for number in (1, len(block)):
        fastavro.schemaless_writer(numbers, "long", number)
    return head + numbers.getvalue() + block + sync


def _fits_lies(rng: Rng, candid: int) -> bytes:
    """A header that says something else than what follows, in an intact gzip stream."""
    content = _plain_fits(rng)
    card, lies = [
        (b"NAXIS1  =", [b"630", b"62", b"64", b"0", b"-1", b"1000000000", b"many", b"9" * 18]),
        (b"NAXIS2  =", [b"630", b"1", b"64", b"0", b"-63", b"62.0"]),
        (b"BITPIX  =", [b"16", b"-64", b"8", b"-3", b"0", b"-32.0"]),
        (b"NAXIS   =", [b"0", b"1", b"3", b"999", b"-2"]),
        (b"SIMPLE  =", [b"F", b"63"]),
    ][rng.integers(5)]
    at = content.index(card)
    lie = card + b" " + lies[rng.integers(len(lies))].rjust(20)
    return _with_stamp(rng, candid, _gzipped(content[:at] + lie.ljust(80) + content[at + 80 :]))


def _fits_flipped(rng: Rng, candid: int) -> bytes:
    """Bits of the image, or of its header, changed before it was gzipped."""
    content = _plain_fits(rng)
    stop = 5 * 80 if rng.random() < 0.5 else len(content)
    return _with_stamp(rng, candid, _gzipped(_flipped(rng, content, 0, stop)))


def _fits_short(rng: Rng, candid: int) -> bytes:
    content = _plain_fits(rng)
    return _with_stamp(rng, candid, _gzipped(content[: rng.integers(len(content))]))


DAMAGES: dict[str, Damage] = {
    damage.__name__.lstrip("_"): damage
    for damage in (
        _whole, _flip_anywhere, _flip_in_head, _flip_in_numbers, _flip_in_stamps, _truncated,
        _extended, _two_records, _compressed, _no_packet, _wrong_schema, _odd_number,
        _huge_integer, _odd_identity, _without_drb, _stamp_missing, _stamp_of_odd_size,
        _stamp_of_odd_pixels, _gzip_broken, _gzip_bomb, _avro_bomb, _fits_lies, _fits_flipped,
        _fits_short,
    )
}  # fmt: skip


@cache
def _copiers() -> list[Callable[[int], bytes]]:
    return [copier(packet(record(FIRST + i))) for i in range(_BASES)]


@cache
def _records() -> list[dict[str, Any]]:
    return [record(FIRST + i) for i in range(_BASES)]


@cache
def _written_schema() -> Any:
    return fastavro.parse_schema(schema())


@cache
def _bomb(window_bits: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, window_bits)
    return packer.compress(bytes(BOMB)) + packer.flush()


def _alert(rng: Rng, candid: int, /, **changes: Any) -> dict[str, Any]:
    alert = _records()[rng.integers(_BASES)]
    return {**alert, "candid": candid, "candidate": {
        **alert["candidate"], "candid": candid, **changes}}  # fmt: skip


def _written(alert: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    fastavro.writer(buffer, _written_schema(), [alert])
    return buffer.getvalue()


def _with_stamp(rng: Rng, candid: int, content: bytes | None) -> bytes:
    """The alert with one stamp replaced; None leaves it out."""
    cutout = None if content is None else {"fileName": "x.fits.gz", "stampData": content}
    return _written({**_alert(rng, candid), str(rng.choice(_STAMPS)): cutout})


def _plain_fits(rng: Rng) -> bytes:
    buffer = io.BytesIO()
    fits.PrimaryHDU(rng.normal(5, 1, (63, 63)).astype(">f4")).writeto(buffer)
    return buffer.getvalue()


def _gzipped(content: bytes) -> bytes:
    return gzip.compress(content, 1, mtime=0)


def _record_start(message: bytes, *, before_block: bool = False) -> int:
    """Where the block's count stands, or a few bytes on, where its content does."""
    header = message.index(message[-16:]) + 16
    return header if before_block else header + 4


def _flipped(rng: Rng, message: bytes, start: int, stop: int, *, bits: int = 1) -> bytes:
    changed = bytearray(message)
    for at in rng.integers(start, stop, bits):
        changed[at] ^= 1 << int(rng.integers(8))
    return bytes(changed)
