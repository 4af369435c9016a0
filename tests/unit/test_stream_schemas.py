"""Framed messages in the stream: schemas by number, and the same scores as from containers."""

import io
import json
import struct

import fastavro
import numpy as np
import pyarrow as pa
import pytest
from made_alerts import packet, record, schema
from made_models import save_alert_networks

from models.acai.scorer import AlertScorer
from models.store import LocalFiles, load
from streaming.schemas import read_schemas
from streaming.score import score_batch
from udfs.alert_schemas import ALERT_SCORES
from udfs.errors import ContractError

OLDER, NEWER = 7, 4_000_000_000
WRITTEN = {OLDER: schema(), NEWER: schema(field="long", drb=None)}


def framed(alert, number):
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, fastavro.parse_schema(WRITTEN[number]), alert)
    return struct.pack(">bI", 0, number) + buffer.getvalue()


@pytest.fixture
def folder(tmp_path):
    for number, written in WRITTEN.items():
        (tmp_path / f"{number}.avsc").write_text(json.dumps(written))
    return tmp_path


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    files = LocalFiles(tmp_path_factory.mktemp("models"))
    versions = save_alert_networks(files)
    return AlertScorer([load(files, *s) for s in zip(("acai", "braai"), versions, strict=True)])


def batch_of(messages):
    n = len(messages)
    return pa.RecordBatch.from_pydict({
        "topic": ["t"] * n, "partition": pa.array([0] * n, pa.int32()),
        "offset": pa.array(range(n), pa.int64()),
        "message_time": pa.array([0] * n, pa.timestamp("us", tz="UTC")),
        "message": pa.array(messages, pa.binary()),
    })  # fmt: skip


def test_schemas_by_number(folder):
    assert {n: json.loads(text) for n, text in read_schemas(folder).items()} == WRITTEN


def test_a_framed_alert_is_scored_as_in_its_container(folder, networks):
    # One without drb in the packet, one whose schema does not have it.
    alerts = [record(1), record(2, drb=None), record(3)]
    numbers = [OLDER, OLDER, NEWER]
    containers = batch_of([packet(a, WRITTEN[n]) for a, n in zip(alerts, numbers, strict=True)])
    frames = batch_of([framed(a, n) for a, n in zip(alerts, numbers, strict=True)])
    expected = score_batch(containers, networks, code_version="c")
    found = score_batch(frames, networks, code_version="c", schemas=read_schemas(folder))
    assert found["reason"].null_count == 3
    for name in expected.schema.names:
        np.testing.assert_equal(found[name].to_pylist(), expected[name].to_pylist())
    assert found["acai_h"].null_count == 2 and found["braai"].null_count == 0
    assert {found[label][0].as_py() is None for label in ALERT_SCORES} == {False}


def test_a_frame_under_an_unknown_number_is_put_aside(folder, networks):
    good, stray = framed(record(1), OLDER), struct.pack(">bI", 0, 8) + b"xyz"
    found = score_batch(
        batch_of([stray, good]), networks, code_version="c", schemas=read_schemas(folder)
    )
    assert found["reason"].to_pylist() == ["unknown_schema_id", None]
    assert found["message"].to_pylist() == [stray, None]


@pytest.mark.parametrize("name", [
    "schema.avsc", "007.avsc", "-1.avsc", "7.json", ".avsc", "4294967296.avsc", "7.avsc.bak",
    "\N{ARABIC-INDIC DIGIT SEVEN}.avsc",
])  # fmt: skip
def test_a_file_that_is_no_numbered_schema_is_named(folder, name):
    (folder / name).write_text(json.dumps(schema()))
    with pytest.raises(ContractError, match="expected only files named by the number") as caught:
        read_schemas(folder)
    assert str(folder / name) in str(caught.value)


def test_a_folder_within_is_named(folder):
    (folder / "8.avsc").mkdir()
    with pytest.raises(ContractError, match=r"8\.avsc: expected only files"):
        read_schemas(folder)


@pytest.mark.parametrize("text", [
    "", "{", '{"type": "rekord"}', '"string"', "\xff",
    json.dumps(schema(ra="string")),
    json.dumps({"type": "record", "name": "a", "fields": [{"name": "b", "type": "elsewhere"}]}),
])  # fmt: skip
def test_what_is_no_schema_of_alerts_is_named(folder, text):
    (folder / "8.avsc").write_bytes(text.encode("latin-1"))
    with pytest.raises(ContractError, match=r"8\.avsc: no schema of alerts: "):
        read_schemas(folder)


def test_no_folder_or_nothing_in_it(tmp_path):
    with pytest.raises(ContractError, match="is empty"):
        read_schemas(tmp_path)
    with pytest.raises(ContractError, match="nowhere is not a folder"):
        read_schemas(tmp_path / "nowhere")
