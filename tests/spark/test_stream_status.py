import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest

from jobs.reports.stream_data import gather_stream
from jobs.reports.stream_page import status_html
from jobs.stream_status import main
from streaming.metrics import BatchLog, BatchReport
from udfs.alert_schemas import DEAD_LETTERS, PUBLISHED, SCORED_ALERTS, STREAM_BATCHES

START = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
NOW = START + timedelta(minutes=30)
VOID = ("meta", "br")


class Nesting(HTMLParser):
    """Every tag that opens is closed, in order; ids are unique."""

    def __init__(self, html):
        super().__init__()
        self.open, self.ids, self.text = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.ids += [value for name, value in attrs if name == "id"]

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data):
        self.text.append(data)


def checked(html):
    page = Nesting(html)
    assert page.open == [] and len(page.ids) == len(set(page.ids))
    return re.sub(r"\s+", " ", " ".join(page.text))


def report(number, **changes):
    rng = np.random.default_rng(number)
    began = START + timedelta(seconds=8 * number)
    seconds = {"score": float(rng.uniform(2, 4)), "store": 1.5, "publish": 0.4}
    latency = float(rng.uniform(3, 7))
    return replace(
        BatchReport(
            query_id="q", batch_id=number, started=began,
            committed=began + timedelta(seconds=6.25), n_messages=1500, n_alerts=1490,
            n_duplicates=7, n_dead_letters=3, n_published={"supernova": 2},
            input_rate=None if number == 0 else 210.0, processed_rate=260.5, lag_offsets=420,
            lag_s=1.5 * latency, latency_p50_s=latency, latency_p95_s=1.2 * latency,
            latency_p99_s=1.3 * latency, seconds=seconds, model_version="acai-1,braai-2",
            refused_models=None, code_version="0.1.0",
        ),
        **changes,
    )  # fmt: skip


def fill(warehouse, table, rows):
    names = table.schema.names
    values = [tuple(row.get(n) for n in names) for row in rows]
    warehouse.append(warehouse.spark.createDataFrame(values, table.schema), table)


def record(warehouse, each):
    """As after a start: the first report of a log looks whether it is there already."""
    BatchLog().record(warehouse, each)


def page_of(warehouse, **settings):
    status = gather_stream(warehouse, latest=settings.pop("latest", 100))
    return status_html(status, now=NOW, refresh_s=settings.pop("refresh_s", None))


def test_a_batch_has_one_row_however_often_it_is_recorded(warehouse):
    record(warehouse, report(3))
    record(warehouse, report(3, n_messages=99))
    record(warehouse, report(4, lag_offsets=None, latency_p99_s=float("nan"), n_published={}))
    record(warehouse, report(3, query_id="another checkpoint"))
    rows = warehouse.read(STREAM_BATCHES).orderBy("query_id", "batch_id").collect()
    assert [(r["query_id"], r["batch_id"]) for r in rows] == [
        ("another checkpoint", 3), ("q", 3), ("q", 4),
    ]  # fmt: skip
    first, last = rows[1], rows[2]
    assert (first["n_messages"], first["n_published"], first["lag_offsets"]) == (
        1500, {"supernova": 2}, 420,
    )  # fmt: skip
    assert first["seconds"] == report(3).seconds
    assert last["lag_offsets"] is None and np.isnan(last["latency_p99_s"])


def test_a_log_goes_on_where_it_was(warehouse):
    log = BatchLog()
    for number in (5, 6, 7):
        log.record(warehouse, report(number))
    # An older checkpoint plans other micro-batches under these numbers: the first is looked up.
    log.record(warehouse, report(6))
    log.record(warehouse, report(7, n_messages=1))
    found = warehouse.read(STREAM_BATCHES).orderBy("batch_id", "n_messages").collect()
    assert [(r["batch_id"], r["n_messages"]) for r in found] == [
        (5, 1500), (6, 1500), (7, 1), (7, 1500),
    ]  # fmt: skip


def test_without_a_stream_the_page_says_how_to_start_one(warehouse, tmp_path):
    path = tmp_path / "status.html"
    main(["--warehouse", warehouse.root, "--output", str(path)])
    text = checked(path.read_text())
    assert "no batch yet: start streaming/run.py" in text
    assert "No message was put aside." in text and "No alert was scored yet." in text
    assert "Nothing was published yet." in text and "<figure" not in path.read_text()


def test_the_page_tells_what_the_tables_hold(warehouse):
    for number in range(4):
        record(warehouse, report(number))
    fill(warehouse, SCORED_ALERTS, [
        {"night": night, "candid": i, "objectId": "a", "jd": 0.0, "topic": "t", "partition": 0,
         "offset": i}
        for i, night in enumerate([61100] * 3 + [61101] * 2)
    ])  # fmt: skip
    fill(warehouse, PUBLISHED, [
        {"night": night, "filter": name, "candid": i, "objectId": "a"}
        for i, (night, name) in enumerate(
            [(61100, "supernova"), (61101, "supernova"), (61101, "anomalies")]
        )
    ])  # fmt: skip
    letter = {"topic": "ztf", "partition": 1, "reason": "bad_header", "expected": "a header"}
    fill(warehouse, DEAD_LETTERS, [
        letter | {"offset": n, "message_time": START + timedelta(seconds=n), "value": f"<b>{n}"}
        for n in range(12)
    ] + [letter | {"offset": 20, "reason": "empty_message", "message_time": None}])  # fmt: skip
    html = page_of(warehouse)
    text = checked(html)
    assert "Last batch 3, 2026-03-01 04:00:30 UTC" in text and "Its age 29 min" in text
    assert "1,500 = 1,490 new + 7 known + 3 dead" in text
    assert "6,000 = 5,960 new + 28 known + 12 dead" in text
    assert "Input rate 210.0 per s" in text and "Processed rate 260.5 per s" in text
    assert "Messages waiting 420" in text and "within the bar of 10 s" in text
    assert "acai-1, braai-2" in text and "Refused models none" in text
    assert "bad_header 12 2026-03-01 04:00:11 ztf/1/11 <b>11 a header" in text
    assert "empty_message 1 – ztf/1/20" in text
    assert "anomalies 1 0 61101 1" in text and "supernova 2 2 61101 1" in text
    assert "61101 2 40.0 61100 3 60.0" in text
    assert html.count("<figure") == 6 and "refresh" not in html and 'role="alert"' not in html
    assert "<b>11" not in html  # escaped


def test_refused_models_are_red_until_a_batch_is_without(warehouse):
    record(warehouse, report(0))
    record(warehouse, report(1, refused_models="acai-9: gives <NaN>"))
    html = page_of(warehouse)
    alert = re.search(r'<p role="alert" style="color: var\(--band-r\)[^>]*>([^<]*)</p>', html)
    assert alert is not None and "acai-9: gives &lt;NaN&gt;" in alert[1]
    checked(html)
    record(warehouse, report(2))
    assert 'role="alert"' not in page_of(warehouse)


def test_a_slow_stream_is_told_and_only_the_latest_batches_are_drawn(warehouse):
    for number in range(3):
        record(warehouse, report(number, latency_p99_s=12.0))
    status = gather_stream(warehouse, latest=2)
    assert status.batches.committed.size == 2 and status.totals["n_batches"] == 3
    assert status.batches.last["batch_id"] == 2
    text = checked(status_html(status, now=NOW, refresh_s=None))
    assert "above the bar of 10 s" in text


@pytest.mark.parametrize("changes", [
    {"lag_offsets": None, "input_rate": None, "lag_s": float("nan"),
     **dict.fromkeys(("latency_p50_s", "latency_p95_s", "latency_p99_s"), float("nan"))},
    {"seconds": {}, "n_published": {}, "model_version": None},
])  # fmt: skip
def test_what_was_not_measured_is_unknown(warehouse, changes):
    record(warehouse, report(0, **changes))
    text = checked(page_of(warehouse))
    assert "nan" not in text.lower().split()
    if "lag_offsets" in changes:
        assert "Messages waiting unknown" in text


def test_a_page_that_refreshes_asks_browsers_to_load_it_again(warehouse, tmp_path, monkeypatch):
    pauses = []

    def pause(seconds):
        pauses.append(seconds)
        if len(pauses) == 2:
            raise KeyboardInterrupt
        record(warehouse, report(0))

    monkeypatch.setattr("jobs.stream_status.time", SimpleNamespace(sleep=pause))
    path = tmp_path / "status.html"
    main(["--warehouse", warehouse.root, "--output", str(path), "--refresh", "15"])
    html = path.read_text()
    assert '<meta http-equiv="refresh" content="15">' in html and pauses == [15, 15]
    assert "Last batch 0" in checked(html)
