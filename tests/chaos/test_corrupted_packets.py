"""Damaged packets: those that are still alerts are scored, all others put aside; none is missing.

Which is which is told by ``judge.py``: a bit flipped within a magnitude leaves an alert, one within
a stamp breaks the checksum of its gzip stream.
"""

import math
import resource
from collections import Counter
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from account import account_of
from corruption import BOMB, DAMAGES, damaged
from judge import judge
from made_models import save_alert_networks

from models.acai.scorer import AlertScorer
from models.store import LocalFiles, load
from streaming.score import KAFKA, STREAM_FIELDS, score_batch
from udfs.alert_schemas import SCORED_ALERTS
from udfs.alerts.fields import Kind
from udfs.alerts.reasons import CUTOUT_REASONS, MESSAGE_REASONS

AT_ONCE = 200
REASONS = {reason.name for reason in (*MESSAGE_REASONS, *CUTOUT_REASONS)}
SMALL = {"fid", "field", "rcid", "programid"}
NUMBERS = [
    name
    for path, kind in STREAM_FIELDS
    for name in [path.removeprefix("candidate.")]
    if kind == Kind.NUMBER and name in SCORED_ALERTS.schema.names and name not in SMALL
]


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    files = LocalFiles(tmp_path_factory.mktemp("models"))
    versions = save_alert_networks(files)
    return AlertScorer([load(files, *s) for s in zip(("acai", "braai"), versions, strict=True)])


def scored(messages, networks):
    """The rows that the stream makes of some messages of one partition."""
    columns = {
        "topic": ["t"] * len(messages), "partition": pa.array([0] * len(messages), pa.int32()),
        "offset": range(len(messages)),
        "message_time": pa.array([datetime.now(UTC)] * len(messages), pa.timestamp("us", "UTC")),
        "message": pa.array(messages, pa.binary()),
    }  # fmt: skip
    batch = pa.RecordBatch.from_pydict({name: columns[name] for name in (*KAFKA, "message")})
    return score_batch(batch, networks, code_version="test").to_pylist()


def test_each_is_what_the_judge_says_and_says_what_it_said(networks, length, seed):
    wrong, found = [], Counter()
    some = damaged(length.damaged, seed)
    for start in range(0, len(some), AT_ONCE):
        part = some[start : start + AT_ONCE]
        rows = scored([message for _, message in part], networks)
        for (name, message), row in zip(part, rows, strict=True):
            verdict = judge(message)
            found[name, verdict.candid is not None] += 1
            if difference := differs(row, verdict, message):
                wrong.append((name, difference, verdict.why, row["reason"], row["value"]))
    assert wrong == []
    # Every kind occurred, and both sides of the judgement.
    assert {name for name, _ in found} == set(DAMAGES)
    assert sum(n for (_, valid), n in found.items() if valid) > length.damaged // 5
    assert found["whole", True] and not found["whole", False]


def differs(row, verdict, message) -> str:
    """What a row says otherwise than the judge; empty if nothing."""
    if verdict.candid is None:
        return "" if row["reason"] in REASONS and row["message"] == message else "not put aside"
    if row["reason"] is not None or row["message"] is not None:
        return "put aside"
    alert = verdict.record
    expected = {
        "candid": verdict.candid, "objectId": alert["objectId"],
        "cutoutScience": alert["cutoutScience"]["stampData"],
        **{name: finite(alert["candidate"].get(name)) for name in NUMBERS},
    }  # fmt: skip
    # Without one of its numbers ACAI does not score, braai always does.
    scores = row["acai_h"] is not None, row["braai"] is not None
    if scores not in ((True, True), (False, True)) or (scores[0] and finite(row["acai_h"]) is None):
        return f"scores {scores}"
    return ", ".join(name for name, value in expected.items() if row[name] != value)


def finite(value):
    return value if value is not None and math.isfinite(value) else None


def test_bombs_take_no_memory(networks):
    bombs = [m for name, m in damaged(10 * len(DAMAGES), 1) if name.endswith("bomb")]
    scored(bombs[:2], networks)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rows = scored(bombs, networks)
    grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    assert grown < BOMB / 2
    assert {row["reason"] for row in rows} == {"cutout_too_large", "message_too_large"}


def test_through_the_stream_they_add_up(make_feed, length, seed):
    feed = make_feed()
    some = damaged(length.sent_damaged, seed + 1)
    feed.know((message, judge(message).candid) for _, message in some)
    # Twice an alert is once; twice what is none is two messages.
    messages = [message for _, message in some] + [message for _, message in some[::10]]
    feed.send([*messages, *feed.alerts(20)])
    feed.run_once("--max-offsets", str(max(len(messages) // 3, 100)))
    account = account_of(feed)
    assert account.faults == []
    assert account.alerts > length.sent_damaged // 5 and account.letters > len(messages) // 3
    assert set(feed.stream.reasons()) <= REASONS
