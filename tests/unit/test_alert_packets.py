import io
import struct
import tracemalloc
import zlib

import cramjam
import fastavro
import numpy as np
import pytest
from made_alerts import packet, record, schema

from udfs.alerts import containers
from udfs.alerts.fields import Fields, Kind
from udfs.alerts.packets import decode_packets
from udfs.alerts.reasons import MESSAGE_REASONS

NUMBERS = ("jd", "fid", "ra", "magpsf", "drb", "rb", "neargaia")
HISTORY = ("jd", "fid", "magpsf", "diffmaglim")
STAMPS = ("Science", "Template", "Difference")
FIELDS = Fields.of([
    ("objectId", Kind.TEXT),
    ("candid", Kind.INTEGER),
    ("candidate.candid", Kind.INTEGER),
    ("candidate.isdiffpos", Kind.FLAG),
    *[(f"candidate.{n}", Kind.NUMBER) for n in NUMBERS],
    *[(f"cutout{c}.stampData", Kind.BYTES) for c in STAMPS],
    *[(f"prv_candidates.{n}", Kind.HISTORY_NUMBER) for n in HISTORY],
    ("prv_candidates.isdiffpos", Kind.HISTORY_FLAG),
])  # fmt: skip
FLAGS = {"t": 1.0, "1": 1.0, "f": 0.0, "0": 0.0, None: np.nan}


def assert_like_fastavro(messages):
    """Every value that is read, against a general decoder that reads everything."""
    packets = decode_packets(messages, FIELDS)
    assert packets.problems == [None] * len(messages)
    offsets = packets.offsets["prv_candidates"]
    for i, message in enumerate(messages):
        alert = next(fastavro.reader(io.BytesIO(message)))
        candidate = alert["candidate"]
        assert packets.texts["objectId"][i] == alert["objectId"]
        for path, value in (("candid", alert.get("candid")),
                            ("candidate.candid", candidate.get("candid"))):  # fmt: skip
            assert packets.has_integer[path][i] == (value is not None)
            assert packets.integers[path][i] == (value or 0)
        numbers = {n: candidate.get(n) for n in NUMBERS}
        numbers["isdiffpos"] = FLAGS[candidate["isdiffpos"]]
        for name, value in numbers.items():
            assert packets.has_number[f"candidate.{name}"][i] == (value is not None)
            found = packets.numbers[f"candidate.{name}"][i]
            np.testing.assert_equal(found, np.nan if value is None else value)
        for channel in STAMPS:
            expected = (alert[f"cutout{channel}"] or {}).get("stampData")
            assert packets.blobs[f"cutout{channel}.stampData"][i] == expected
        before = alert["prv_candidates"] or []
        for name in (*HISTORY, "isdiffpos"):
            values = [FLAGS[b[name]] if name == "isdiffpos" else b[name] for b in before]
            found = packets.history[f"prv_candidates.{name}"][offsets[i] : offsets[i + 1]]
            np.testing.assert_array_equal(found, np.array(values, dtype=float))


@pytest.mark.data
def test_every_real_packet_is_read_as_a_general_decoder_reads_it(data_dir):
    files = sorted((data_dir / "ztf_alerts").glob("packets_*/*.avro"))
    assert len(files) > 500
    assert_like_fastavro([f.read_bytes() for f in files])


def test_nulls_missing_fields_and_long_histories():
    alerts = [record(2**60 + 1), record(2, drb=None, isdiffpos="0"), record(3), record(4)]
    alerts[2]["prv_candidates"] = None
    alerts[3]["prv_candidates"] = alerts[0]["prv_candidates"] * 400  # more than room is made for
    alerts[3]["cutoutTemplate"] = None
    alerts[1]["candid"] = None
    assert_like_fastavro([packet(a) for a in alerts])
    # A schema of the same version string with another order and without drb.
    other = schema(drb=None)
    other["fields"] = other["fields"][::-1]
    other["fields"][2]["type"][1], other["fields"][0]["type"][1] = (
        other["fields"][0]["type"][1], other["fields"][2]["type"][1],
    )  # fmt: skip
    assert_like_fastavro([packet(alerts[0]), packet(alerts[0], other), packet(alerts[0])])


@pytest.mark.parametrize("codec", ["deflate", "snappy"])
def test_compressed_packets(codec):
    assert_like_fastavro([packet(record(5), codec=codec), packet(record(6))])


def test_types_that_are_only_stepped_over():
    written = schema()
    inner = {"type": "array", "items": {"type": "map", "values": ["null", "double", "boolean"]}}
    written["fields"][2:2] = [
        {"name": "a", "type": {"type": "enum", "name": "e", "symbols": ["x", "y"]}},
        {"name": "b", "type": {"type": "fixed", "name": "f", "size": 5}},
        {"name": "c", "type": inner},
        {"name": "d", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "e_again", "type": ["null", "e"]},
    ]
    c = [{"k": 1.5, "l": None}, {}, {"m": True}]
    alert = {**record(7), "a": "y", "b": b"12345", "c": c, "d": 17, "e_again": "x"}
    assert_like_fastavro([packet(alert, written)])


def test_arrays_in_several_blocks_with_their_sizes():
    """Avro lets a writer cut arrays into blocks, and say how long a block is."""
    items = {"type": "record", "name": "i", "fields": [{"name": "x", "type": "int"}]}
    listed = {"type": "array", "items": items}
    written = {"type": "record", "name": "r", "fields": [{"name": "h", "type": listed}]}
    message = packet({"h": []}, written)
    sync = message[-16:]
    head = message[: message.index(sync) + 16]
    blocks = bytes([3, 4, 2, 4]) + bytes([2, 6]) + bytes([0])  # -2 items, 2 bytes; 1 item; end
    made = head + bytes([2, 2 * len(blocks)]) + blocks + sync
    assert next(fastavro.reader(io.BytesIO(made)))["h"] == [{"x": 1}, {"x": 2}, {"x": 3}]
    packets = decode_packets([made], Fields.of([("h.x", Kind.HISTORY_NUMBER)]))
    assert packets.problems == [None]
    assert packets.history["h.x"].tolist() == [1.0, 2.0, 3.0]


def two_records(alert):
    buffer = io.BytesIO()
    fastavro.writer(buffer, fastavro.parse_schema(schema()), [alert, alert])
    return buffer.getvalue()


def parts_of(message):
    sync = message[-16:]
    start = message.index(sync) + 16
    return message[:start], message[start:-16], sync


def contained(head, body, sync):
    size = io.BytesIO()
    fastavro.schemaless_writer(size, "long", len(body))
    return head + b"\x02" + size.getvalue() + body + sync


def with_codec(message, codec, pack):
    alert = next(fastavro.reader(io.BytesIO(message)))
    head, _, sync = parts_of(packet(alert, codec="deflate"))
    raw = io.BytesIO()
    fastavro.schemaless_writer(raw, fastavro.parse_schema(schema()), alert)
    at = head.index(b"deflate") - 1
    head = head[:at] + bytes([2 * len(codec)]) + codec + head[at + 8 :]
    return contained(head, pack(raw.getvalue()), sync)


def snapped(raw):
    return bytes(cramjam.snappy.compress_raw(raw)) + struct.pack(">I", zlib.crc32(raw))


def deflated(raw):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(raw) + packer.flush()


GOOD = packet(record(8))
SPOILED = {
    "empty_message": [None, b""],
    "not_a_container": [b"{}", b"Obj\x02" + GOOD[4:], b"\x1f\x8b" + GOOD],
    "bad_header": [GOOD[:100], GOOD.replace(b"avro.schema", b"avro.schemb"),
                   b"Obj\x01" + b"\xff" * 40],
    "unknown_codec": [with_codec(GOOD, b"zstandard", bytes)],
    "bad_block": [
        GOOD[:-1], GOOD[:-100], GOOD[:-1] + b"x",
        with_codec(GOOD, b"snappy", lambda raw: snapped(raw)[:-1] + b"x"),
        with_codec(GOOD, b"snappy", lambda raw: b"\xff" * 40),
        with_codec(GOOD, b"deflate", lambda raw: deflated(raw)[:-30]),
    ],
    "not_one_record": [two_records(record(9)), GOOD + GOOD[-16:], GOOD + b"\0"],
    "bad_schema": [
        packet(record(10), schema(candid="double")),
        packet(record(10) | {"objectId": 5}, {**schema(), "fields": [
            {"name": "objectId", "type": "int"}, *schema()["fields"][2:]]}),
        GOOD.replace(b'"record"', b'"rekord"'), GOOD.replace(b'"float"', b'"flout"'),
    ],
    "bad_record": [
        with_codec(GOOD, b"snappy", lambda raw: snapped(raw[:-3])),
        with_codec(GOOD, b"snappy", lambda raw: snapped(raw + b"\0")),
        with_codec(GOOD, b"snappy", lambda raw: snapped(raw.replace(b"ZTF24", b"ZTF\xff\xfe"))),
        with_codec(GOOD, b"deflate", lambda raw: deflated(b"")),
        with_codec(GOOD, b"deflate", lambda raw: deflated(b"\x05" + raw[1:])),
    ],
    "message_too_large": [
        GOOD + bytes(containers.LARGEST_RECORD),
        with_codec(GOOD, b"deflate", lambda raw: deflated(bytes(containers.LARGEST_RECORD + 1))),
        with_codec(GOOD, b"snappy", lambda raw: b"\x80\x80\x80\x80\x04" + b"\0" * 100),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "number"), [(r, i) for r, ms in SPOILED.items() for i in range(len(ms))]
)
def test_a_bad_message_costs_its_own_row_only(reason, number):
    bad = SPOILED[reason][number]
    packets = decode_packets([GOOD, bad, GOOD], FIELDS)
    assert [p and p.reason.name for p in packets.problems] == [None, reason, None]
    assert not any(has[1] for has in (*packets.has_number.values(), *packets.has_integer.values()))
    assert all(v[1] is None for v in (*packets.texts.values(), *packets.blobs.values()))
    assert packets.offsets["prv_candidates"].tolist() == [0, 3, 3, 6]
    assert packets.history["prv_candidates.magpsf"].tolist()[3:] == pytest.approx(
        [18.5, np.nan, 18.5], nan_ok=True
    )


@pytest.mark.parametrize("message", SPOILED["message_too_large"][1:])
def test_a_bomb_is_not_unpacked_to_be_measured(message):
    tracemalloc.start()
    decode_packets([message], FIELDS)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * containers.LARGEST_RECORD


def test_a_type_that_holds_itself_is_refused():
    node = {"type": "record", "name": "node", "fields": [
        {"name": "next", "type": ["null", "node"]}, {"name": "v", "type": "int"}]}  # fmt: skip
    packets = decode_packets([packet({"next": None, "v": 1}, node)], FIELDS)
    assert packets.problems[0].reason.name == "bad_schema"


def test_damage_anywhere_gives_a_reason_or_a_record_and_never_an_exception(rng):
    """Bit flips, cuts and doubled pieces at random places."""
    known = {reason.name for reason in MESSAGE_REASONS}
    messages = []
    body = len(parts_of(GOOD)[0])
    for kind in rng.integers(0, 3, 900):
        # One third each in the schema, in the candidate and anywhere.
        first, last = [(0, body), (body, body + 400), (0, len(GOOD))][rng.integers(0, 3)]
        at, size = int(rng.integers(first, last)), int(rng.integers(1, 40))
        if kind == 0:
            flipped = bytearray(GOOD)
            flipped[at] ^= 1 << int(rng.integers(0, 8))
            messages.append(bytes(flipped))
        elif kind == 1:
            messages.append(GOOD[:at] + GOOD[at + size :])
        else:
            messages.append(GOOD[: at + size] + GOOD[at:])
    packets = decode_packets(messages, FIELDS)
    found = {p.reason.name for p in packets.problems if p}
    assert found <= known and len(found) >= 4


def test_no_messages():
    packets = decode_packets([], FIELDS)
    assert len(packets) == 0 and packets.offsets["prv_candidates"].tolist() == [0]
