"""Framed messages: the number of a schema before the record, as Rubin sends its alerts.

The frame is that of Confluent's schema registry: a byte 0, the number as four bytes, highest first,
and the record without a container.
"""

from collections.abc import Mapping

from udfs.alerts.containers import LARGEST_RECORD, Contained
from udfs.alerts.reasons import (
    EMPTY_MESSAGE,
    MESSAGE_TOO_LARGE,
    NOT_FRAMED,
    UNKNOWN_SCHEMA_ID,
    BadAlert,
)

_MAGIC = 0
_FRAME = 5


def open_framed(message: bytes | None, schemas: Mapping[int, bytes]) -> Contained:
    """The schema and the record of a message; ``data`` is the message itself.

    Parameters
    ----------
    message : bytes
    schemas : number -> text of the schema that records under it are written with

    Raises
    ------
    BadAlert
        If the message has no frame, is larger than ``LARGEST_RECORD`` or names a schema that is
        not among ``schemas``.
    """
    if not message:
        raise BadAlert(EMPTY_MESSAGE, "no bytes")
    if len(message) > LARGEST_RECORD:
        raise BadAlert(MESSAGE_TOO_LARGE, f"{len(message)} bytes")
    if len(message) < _FRAME or message[0] != _MAGIC:
        raise BadAlert(NOT_FRAMED, f"starts with {message[:8].hex(' ')}")
    number = int.from_bytes(message[1:_FRAME], "big")
    if number not in schemas:
        raise BadAlert(UNKNOWN_SCHEMA_ID, str(number))
    return Contained(schemas[number], message, _FRAME, len(message))
