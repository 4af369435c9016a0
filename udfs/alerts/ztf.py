"""What we read of ZTF's packets, and the checks after which an alert can be used."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from udfs.alerts.cutouts import CHANNELS, read_triplets
from udfs.alerts.fields import Fields, Kind
from udfs.alerts.metadata import FEATURES
from udfs.alerts.packets import Packets, decode_packets
from udfs.alerts.reasons import (
    BAD_ALERT_POSITION,
    BAD_TIME,
    MISSING_CANDID,
    MISSING_OBJECT_ID,
    BadAlert,
)

# Numbers of the candidate beside the features.
CONTEXT = ("jd", "fid", "field", "rcid", "programid", "rb")
STAMP_PATHS = tuple(f"cutout{channel}.stampData" for channel in CHANNELS)
FIELDS = Fields.of([
    ("candid", Kind.INTEGER),
    ("candidate.candid", Kind.INTEGER),
    ("objectId", Kind.TEXT),
    ("schemavsn", Kind.TEXT),
    ("candidate.isdiffpos", Kind.FLAG),
    *[(f"candidate.{name}", Kind.NUMBER) for name in (*CONTEXT, *FEATURES)],
    *[(path, Kind.BYTES) for path in STAMP_PATHS],
])  # fmt: skip
_MJD = 2_400_000.5
_FIRST_JD, _LAST_JD = 2_451_544.5, 2_488_069.5  # 2000 to 2100


class Alerts(NamedTuple):
    """n alerts.

    Attributes
    ----------
    packets
        The fields that were asked for.
    images : (n, 63, 63, 3) float32
        As ``read_triplets`` gives them.
    problems
        The first reason why an alert cannot be used; None for a good one.
    """

    packets: Packets
    images: NDArray[np.float32]
    problems: list[BadAlert | None]


def read_alerts(
    messages: Sequence[bytes | None],
    fields: Fields = FIELDS,
    *,
    schemas: Mapping[int, bytes] | None = None,
) -> Alerts:
    """Decode messages and check each alert.

    An alert can be used if it has an identifier, a source, a time, a position and three whole
    stamps. A missing feature is no reason: the alert stays, only ACAI does not score it.

    Parameters
    ----------
    messages : n Avro object containers of one record each, or n framed records
    fields : ``FIELDS``, or these and more
    schemas : as ``decode_packets`` takes them, for framed records
    """
    packets = decode_packets(messages, fields, schemas=schemas)
    images, stamps = read_triplets(*(packets.blobs[path] for path in STAMP_PATHS))
    problems: list[BadAlert | None] = []
    identity = _identity_problems(packets)
    for unread, unidentified, stamp in zip(packets.problems, identity, stamps, strict=True):
        spoiled = BadAlert(stamp[1].reason, f"{stamp[0]}: {stamp[1].value}") if stamp else None
        problems.append(unread or unidentified or spoiled)
    return Alerts(packets, images, problems)


def candids(packets: Packets) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The identifiers, and where there is one; some packets have it in the candidate only."""
    top = packets.has_integer["candid"]
    within = packets.has_integer["candidate.candid"]
    values = packets.integers
    return np.where(top, values["candid"], values["candidate.candid"]), top | within


def nights(jd: NDArray[np.float64]) -> NDArray[np.int32]:
    """Whole days of MJD; a night in America lies within one day of UTC. 0 where there is none."""
    days = np.floor(jd - _MJD)
    return np.where(np.isfinite(days), days, 0).astype(np.int32)


def _identity_problems(packets: Packets) -> list[BadAlert | None]:
    candid, known = candids(packets)
    jd, ra, dec = (packets.numbers[f"candidate.{name}"] for name in ("jd", "ra", "dec"))
    in_time = (jd >= _FIRST_JD) & (jd <= _LAST_JD)
    placed = (ra >= 0) & (ra < 360) & (np.abs(dec) <= 90)
    problems: list[BadAlert | None] = []
    for i, name in enumerate(packets.texts["objectId"]):
        problem = None
        if not known[i] or candid[i] <= 0:
            problem = BadAlert(MISSING_CANDID, str(candid[i]) if known[i] else "null")
        elif not name:
            problem = BadAlert(MISSING_OBJECT_ID, repr(name))
        elif not in_time[i]:
            problem = BadAlert(BAD_TIME, str(jd[i]))
        elif not placed[i]:
            problem = BadAlert(BAD_ALERT_POSITION, f"{ra[i]}, {dec[i]}")
        problems.append(problem)
    return problems
