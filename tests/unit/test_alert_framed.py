import io
import json
import struct

import fastavro
import numpy as np
import pytest
from made_alerts import packet, record, schema

from udfs.alerts import containers
from udfs.alerts.fields import Fields, Kind
from udfs.alerts.packets import decode_packets
from udfs.alerts.reasons import MESSAGE_REASONS

_SOURCE = {
    "type": "record", "name": "lsst.v9_0.diaSource", "fields": [
        {"name": "diaSourceId", "type": "long"},
        {"name": "visit", "type": "long"},
        {"name": "midpointMjdTai", "type": "double"},
        {"name": "ra", "type": "double"},
        {"name": "dec", "type": "double"},
        {"name": "psfFlux", "type": ["null", "float"], "default": None},
        {"name": "psfFluxErr", "type": ["null", "float"], "default": None},
        {"name": "band", "type": ["null", "string"], "default": None},
        {"name": "isDipole", "type": ["null", "boolean"], "default": None},
    ],
}  # fmt: skip
LSST = {
    "type": "record", "name": "lsst.v9_0.alert", "fields": [
        {"name": "diaSourceId", "type": "long"},
        {"name": "diaSource", "type": _SOURCE},
        {"name": "prvDiaSources", "type": ["null", {
            "type": "array", "items": "lsst.v9_0.diaSource"}], "default": None},
        {"name": "cutoutDifference", "type": ["null", "bytes"], "default": None},
        {"name": "cutoutScience", "type": ["null", "bytes"], "default": None},
    ],
}  # fmt: skip
LSST_FIELDS = Fields.of([
    ("diaSourceId", Kind.INTEGER),
    ("diaSource.band", Kind.TEXT),
    *[(f"diaSource.{n}", Kind.NUMBER) for n in ("midpointMjdTai", "ra", "dec", "psfFlux")],
    ("diaSource.isDipole", Kind.FLAG),
    *[(f"prvDiaSources.{n}", Kind.HISTORY_NUMBER) for n in ("midpointMjdTai", "psfFlux")],
    ("prvDiaSources.isDipole", Kind.HISTORY_FLAG),
    ("cutoutDifference", Kind.BYTES),
    ("cutoutScience", Kind.BYTES),
])  # fmt: skip
ZTF_FIELDS = Fields.of([
    ("objectId", Kind.TEXT),
    ("candid", Kind.INTEGER),
    ("candidate.magpsf", Kind.NUMBER),
    ("prv_candidates.magpsf", Kind.HISTORY_NUMBER),
    ("cutoutScience.stampData", Kind.BYTES),
])  # fmt: skip
ZTF_ID, LSST_ID = 7, 900_001
SCHEMAS = {ZTF_ID: json.dumps(schema()).encode(), LSST_ID: json.dumps(LSST).encode()}


def source(number, **changes):
    return {"diaSourceId": number, "visit": 2025_11_21, "midpointMjdTai": 61000.0 + number % 10,
            "ra": 53.1, "dec": -27.8, "psfFlux": 1234.5, "psfFluxErr": 56.0, "band": "r",
            "isDipole": False} | changes  # fmt: skip


def lsst_alert(number=2**61 + 3):
    before = [source(1, psfFlux=None), source(2, isDipole=True), source(3, isDipole=None)]
    return {"diaSourceId": number, "diaSource": source(number), "prvDiaSources": before,
            "cutoutDifference": b"\x00FITS" * 50, "cutoutScience": None}  # fmt: skip


def framed(alert, written, number):
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, fastavro.parse_schema(written), alert)
    return struct.pack(">bI", 0, number) + buffer.getvalue()


GOOD = framed(lsst_alert(), LSST, LSST_ID)


def numbered(number):
    """The good record under the number of another schema."""
    return struct.pack(">bI", 0, number) + GOOD[5:]


def test_an_alert_in_the_layout_of_rubin():
    empty = lsst_alert(5) | {"prvDiaSources": None}
    packets = decode_packets(
        [GOOD, framed(empty, LSST, LSST_ID), GOOD], LSST_FIELDS, schemas=SCHEMAS
    )
    assert packets.problems == [None] * 3
    assert packets.integers["diaSourceId"].tolist() == [2**61 + 3, 5, 2**61 + 3]
    assert packets.texts["diaSource.band"] == ["r"] * 3
    for name in ("ra", "dec", "midpointMjdTai", "psfFlux"):
        expected = [source(number)[name] for number in (2**61 + 3, 5, 2**61 + 3)]
        assert packets.numbers[f"diaSource.{name}"].tolist() == expected
    assert packets.numbers["diaSource.isDipole"].tolist() == [0.0] * 3
    assert packets.blobs["cutoutDifference"][0] == b"\x00FITS" * 50
    assert packets.blobs["cutoutScience"] == [None] * 3
    assert packets.offsets["prvDiaSources"].tolist() == [0, 3, 3, 6]
    np.testing.assert_equal(packets.history["prvDiaSources.psfFlux"][:3], [np.nan, 1234.5, 1234.5])
    np.testing.assert_equal(packets.history["prvDiaSources.isDipole"][3:], [0.0, 1.0, np.nan])


def test_a_frame_and_a_container_hold_the_same_alert():
    alerts = [record(n) for n in (1, 2**60 + 1)]
    in_frames = decode_packets([framed(a, schema(), ZTF_ID) for a in alerts], ZTF_FIELDS,
                               schemas=SCHEMAS)  # fmt: skip
    in_containers = decode_packets([packet(a) for a in alerts], ZTF_FIELDS)
    assert in_frames.problems == [None, None]
    for name in ("numbers", "integers", "texts", "blobs", "history", "offsets"):
        np.testing.assert_equal(getattr(in_frames, name), getattr(in_containers, name))


SPOILED = {
    "empty_message": [None, b""],
    "not_framed": [b"\0\0\0\7", b"\1" + GOOD[1:], packet(record(3))],
    "unknown_schema_id": [numbered(8), struct.pack("<bI", 0, LSST_ID) + GOOD[5:]],
    "message_too_large": [GOOD + bytes(containers.LARGEST_RECORD)],
    "bad_record": [GOOD[:5], GOOD[:-1], GOOD + b"\0", numbered(ZTF_ID)],
    "bad_schema": [numbered(666)],
}  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "number"), [(r, i) for r, ms in SPOILED.items() for i in range(len(ms))]
)
def test_a_bad_message_costs_its_own_row_only(reason, number):
    schemas = SCHEMAS | {666: b'{"type": "rekord"}'}
    packets = decode_packets([GOOD, SPOILED[reason][number], GOOD], LSST_FIELDS, schemas=schemas)
    assert [p and p.reason.name for p in packets.problems] == [None, reason, None]
    assert packets.problems[1].reason in MESSAGE_REASONS
    assert packets.offsets["prvDiaSources"].tolist() == [0, 3, 3, 6]


def test_without_schemas_a_frame_is_no_container_and_with_none_known_every_number_is_unknown():
    alone = decode_packets([GOOD], LSST_FIELDS)
    assert alone.problems[0].reason.name == "not_a_container"
    assert decode_packets([GOOD], LSST_FIELDS, schemas={}).problems[0].value == str(LSST_ID)
