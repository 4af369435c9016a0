"""Copies of alert packets that nobody has seen before: the same alert under a new candid.

Writing a packet again costs milliseconds. An Avro long is a run of bytes whose length depends on
its size only, so a packet without compression is taken apart at its candid once, and a copy is put
together with the bytes of a new candid of the same length. That this changes the candid and nothing
else is checked for each packet, by decoding it; one that fails is written again for every copy.
"""

import io
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Any

import fastavro

from udfs.errors import ContractError

# Below the candids that ZTF can have given: its first public night is day 300 of its count, the
# first digits of a candid. Above 2**53, as ZTF's: one that went through a float is found out.
FIRST_CANDID = 10**17
LARGEST_SEED = 10**7 - 1
_PER_SEED = 10**10
_CHECKED_WITH = (FIRST_CANDID + 1, 3 * FIRST_CANDID - 1)
Copy = Callable[[int], bytes]


def fresh(packets: Iterable[bytes], copies: int, seed: int) -> Iterator[bytes]:
    """Each packet ``copies`` times, all packets once before any comes again.

    Every packet that comes out has a candid of its own: below 3e17, increasing, the same for the
    same seed, never those of another seed. Schema, codec and all other values stay. A packet that
    cannot be read or has no candid, or a negative one, comes out as it is.

    Parameters
    ----------
    packets : Avro object containers of one record each
        Read once; with more than one copy all are read first and kept in memory.
    copies : int
    seed : int, 0 to ``LARGEST_SEED``

    Raises
    ------
    ContractError
        If the seed is out of range.
    """
    if not 0 <= seed <= LARGEST_SEED:
        raise ContractError(f"seed={seed}: expected 0 to {LARGEST_SEED}")
    return _fresh(packets, copies, count(FIRST_CANDID + seed * _PER_SEED))


def new_seed() -> int:
    """A seed that differs from those of the last hundred days, if a second has passed."""
    return int(time.time()) % LARGEST_SEED


def _fresh(packets: Iterable[bytes], copies: int, candids: Iterator[int]) -> Iterator[bytes]:
    if copies == 1:
        for packet in packets:
            yield copier(packet)(next(candids))
        return
    # All taken apart before the first is sent, so that this does not slow the sending.
    copiers = [copier(packet) for packet in packets]
    for _ in range(copies):
        for copy in copiers:
            yield copy(next(candids))


def copier(packet: bytes) -> Copy:
    """The function candid -> packet with that candid."""
    try:
        reader = fastavro.reader(io.BytesIO(packet))
        record = next(reader)
        (old, *_) = (place["candid"] for place in _places(record))
        parts = packet.split(_long(old))
    except Exception:  # bytes that are no packet can raise anything, and are sent as well
        return lambda candid: packet
    # fastavro does not check the checksum of a compressed block, which would be wrong.
    if reader.codec == "null" and all(_is_copy(parts, record, c) for c in _CHECKED_WITH):
        return lambda candid: _long(candid).join(parts)
    return lambda candid: _written(reader, record, candid)


def _places(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Where the candid of an alert stands: at the top, in the candidate, or both."""
    return [p for p in (record, record["candidate"]) if p.get("candid") is not None]


def _renamed(record: dict[str, Any], candid: int) -> dict[str, Any]:
    """The record with another candid at the same places."""
    renamed = {**record, "candidate": dict(record["candidate"])}
    for place in _places(renamed):
        place["candid"] = candid
    return renamed


def _is_copy(parts: list[bytes], record: dict[str, Any], candid: int) -> bool:
    """Whether the bytes put together say what they should, read by fastavro."""
    try:
        # To the end of the container, where a wrong length would show.
        (read,) = fastavro.reader(io.BytesIO(_long(candid).join(parts)))
    except Exception:  # the bytes changed were not those of the candid
        return False
    # As text, since a NaN is not equal to itself.
    return repr(read) == repr(_renamed(record, candid))


def _written(reader: Any, record: dict[str, Any], candid: int) -> bytes:
    """The packet written again with its own schema and codec."""
    buffer = io.BytesIO()
    fastavro.writer(buffer, reader.writer_schema, [_renamed(record, candid)], codec=reader.codec)
    return buffer.getvalue()


def _long(value: int) -> bytes:
    """An Avro long that is not negative: twice the value, seven bits a byte, lowest first."""
    left = value << 1
    written = bytearray()
    while left > 0x7F:
        written.append(left & 0x7F | 0x80)
        left >>= 7
    written.append(left)
    return bytes(written)
