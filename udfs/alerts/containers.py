r"""Avro object containers that hold one record: the schema's text and the record's bytes.

A container is a header (the marker ``Obj\x01``, metadata, 16 random bytes) and blocks, each a
count, a size, the records, and the same 16 bytes again (Apache Avro 1.12 specification). ZTF sends
one container with one block of one record per message.
"""

import zlib
from typing import NamedTuple

import cramjam

from udfs.alerts.reasons import (
    BAD_BLOCK,
    BAD_HEADER,
    EMPTY_MESSAGE,
    MESSAGE_TOO_LARGE,
    NOT_A_CONTAINER,
    NOT_ONE_RECORD,
    UNKNOWN_CODEC,
    BadAlert,
)

LARGEST_RECORD = 16 << 20
_MAGIC = b"Obj\x01"
_SYNC = 16


class Contained(NamedTuple):
    """What is in a container: ``data[start:stop]`` is one record written with ``schema``."""

    schema: bytes
    data: bytes
    start: int
    stop: int


def open_container(message: bytes | None) -> Contained:
    """The schema and the record of a message.

    Without compression the record stays where it is: ``data`` is the message itself.

    Raises
    ------
    BadAlert
        If the message is no container of one record, is damaged, or unpacks to more than
        ``LARGEST_RECORD`` bytes.
    """
    if not message:
        raise BadAlert(EMPTY_MESSAGE, "no bytes")
    if len(message) > LARGEST_RECORD:
        raise BadAlert(MESSAGE_TOO_LARGE, f"{len(message)} bytes")
    if not message.startswith(_MAGIC):
        raise BadAlert(NOT_A_CONTAINER, f"starts with {message[:8].hex(' ')}")
    try:
        metadata, at = _metadata(message)
        schema = metadata[b"avro.schema"]
    except (IndexError, KeyError) as error:
        raise BadAlert(BAD_HEADER, f"{type(error).__name__} {error}") from None
    sync = message[at : at + _SYNC]
    try:
        count, at = _varint(message, at + _SYNC)
        size, at = _varint(message, at)
    except IndexError:
        raise BadAlert(BAD_BLOCK, f"ends after {len(message)} bytes") from None
    if count != 1:
        raise BadAlert(NOT_ONE_RECORD, f"{count} records in the first block")
    stop = at + size
    if size < 0 or message[stop : stop + _SYNC] != sync or len(sync) < _SYNC:
        raise BadAlert(BAD_BLOCK, f"{size} bytes announced, {len(message) - at - _SYNC} there")
    if len(message) > stop + _SYNC:
        raise BadAlert(NOT_ONE_RECORD, f"{len(message) - stop - _SYNC} bytes after the block")
    codec = metadata.get(b"avro.codec", b"null")
    if codec == b"null":
        return Contained(schema, message, at, stop)
    record = _unpack(codec, message[at:stop])
    return Contained(schema, record, 0, len(record))


def _metadata(message: bytes) -> tuple[dict[bytes, bytes], int]:
    metadata: dict[bytes, bytes] = {}
    at = len(_MAGIC)
    while True:
        count, at = _varint(message, at)
        if count == 0:
            return metadata, at
        if count < 0:  # then the size of the block follows
            count = -count
            _, at = _varint(message, at)
        for _ in range(count):
            key, at = _bytes(message, at)
            metadata[key], at = _bytes(message, at)


def _bytes(message: bytes, at: int) -> tuple[bytes, int]:
    size, at = _varint(message, at)
    if not 0 <= size <= len(message) - at:
        raise IndexError(f"{size} bytes announced, {len(message) - at} there")
    return message[at : at + size], at + size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """An Avro long: seven bits a byte, lowest first, sign in the last bit."""
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at
        shift += 7
        if shift > 63:
            raise IndexError("a number of more than 64 bits")


def _unpack(codec: bytes, packed: bytes) -> bytes:
    if codec == b"deflate":
        inflater = zlib.decompressobj(-15)
        try:
            record = inflater.decompress(packed, LARGEST_RECORD + 1)
        except zlib.error as error:
            raise BadAlert(BAD_BLOCK, f"deflate: {error}") from None
        if len(record) > LARGEST_RECORD:
            raise BadAlert(MESSAGE_TOO_LARGE, f"more than {LARGEST_RECORD} bytes")
        if not inflater.eof:
            raise BadAlert(BAD_BLOCK, "deflate: the stream ends early")
        return record
    if codec == b"snappy":
        return _unsnap(packed)
    raise BadAlert(UNKNOWN_CODEC, repr(codec.decode("ascii", "replace")))


def _unsnap(packed: bytes) -> bytes:
    """Raw snappy followed by the checksum of what it unpacks to."""
    body, checksum = packed[:-4], packed[-4:]
    try:
        # Snappy announces its size first: refuse before the memory is asked for.
        size = cramjam.snappy.decompress_raw_len(body)
        if size > LARGEST_RECORD:
            raise BadAlert(MESSAGE_TOO_LARGE, f"{size} bytes")
        record = bytes(cramjam.snappy.decompress_raw(body, output_len=size))
    except cramjam.DecompressionError as error:
        raise BadAlert(BAD_BLOCK, f"snappy: {error}") from None
    if zlib.crc32(record) != int.from_bytes(checksum, "big"):
        raise BadAlert(BAD_BLOCK, "snappy: checksum differs")
    return record
