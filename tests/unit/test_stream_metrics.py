import math
import socket
import urllib.request
from dataclasses import fields, replace
from datetime import UTC, datetime

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from streaming.metrics import BatchReport, latencies
from streaming.prometheus import PrometheusMetrics
from udfs.alert_schemas import STREAM_BATCHES
from udfs.errors import ContractError

COMMIT = 1_700_000_100_000
REPORT = BatchReport(
    query_id="q", batch_id=7,
    started=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    committed=datetime(2026, 1, 2, 3, 4, 9, tzinfo=UTC),
    n_messages=100, n_alerts=90, n_duplicates=7, n_dead_letters=3,
    n_published={"supernova": 4, "anomalies": 0},
    input_rate=None, processed_rate=25.0, lag_offsets=12, lag_s=4.5,
    latency_p50_s=2.0, latency_p95_s=3.0, latency_p99_s=4.0,
    seconds={"score": 3.0, "store": 1.0},
    model_version="acai-1,braai-2", refused_models=None, code_version="0.1.0",
)  # fmt: skip


def test_a_report_has_the_columns_of_the_table():
    assert [f.name for f in fields(BatchReport)] == STREAM_BATCHES.schema.names


def test_percentiles_are_latencies_that_occurred():
    waited = np.arange(1000, dtype=np.int64)[::-1] + 1  # 1 to 1000 ms
    found = latencies(COMMIT - waited, COMMIT)
    assert (found.p50, found.p95, found.p99) == (0.501, 0.951, 0.991)
    assert found.oldest == 1.0 and found.n_early == 0


def test_one_slow_message_of_ten_is_the_99th_percentile():
    found = latencies(COMMIT - np.array([1000] * 9 + [60_000]), COMMIT)
    assert (found.p50, found.p99) == (1.0, 60.0)


def test_messages_from_the_future_count_as_no_time_and_are_noted():
    found = latencies(np.array([COMMIT + 3_600_000, COMMIT + 1, COMMIT, COMMIT - 250]), COMMIT)
    np.testing.assert_array_equal(found.seconds, [0, 0, 0, 0.25])
    assert found.n_early == 2 and found.oldest == 0.25


def test_without_messages_nothing_has_a_value():
    found = latencies(np.array([], dtype=np.int64), COMMIT)
    assert all(math.isnan(v) for v in (found.p50, found.p95, found.p99, found.oldest))
    assert found.n_early == 0


@pytest.fixture
def metrics():
    served = PrometheusMetrics(0)
    yield served
    served.close()


def scrape(metrics: PrometheusMetrics) -> dict[str, float]:
    """Sample with its labels -> value, as Prometheus would read it over HTTP."""
    with urllib.request.urlopen(f"http://127.0.0.1:{metrics.port}/metrics") as answer:
        text = answer.read().decode()
    samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{k}={v}" for k, v in sorted(sample.labels.items()))
            samples[f"{sample.name}{{{labels}}}".replace("lambdasky_stream_", "")] = sample.value
    return samples


def test_the_endpoint_sums_counters_and_shows_the_last_batch(metrics):
    delays = latencies(COMMIT - np.array([400, 900, 9_000, 11_000, -50]), COMMIT)
    metrics.observe(REPORT, delays)
    again = replace(REPORT, batch_id=8, lag_offsets=3, n_published={"supernova": 1},
                    seconds={"score": 2.0}, input_rate=30.0)  # fmt: skip
    metrics.observe(again, delays)
    told = scrape(metrics)
    assert told["messages_total{}"] == 200 and told["alerts_total{}"] == 180
    assert told["duplicates_total{}"] == 14 and told["dead_letters_total{}"] == 6
    assert told["published_total{filter=supernova}"] == 5
    assert told["published_total{filter=anomalies}"] == 0
    assert told["batch_id{}"] == 8 and told["lag_offsets{}"] == 3 and told["input_rate{}"] == 30
    assert told["last_commit_timestamp_seconds{}"] == 1767323049
    assert told["latency_quantile_seconds{quantile=0.99}"] == 4
    assert told["stage_seconds_total{stage=score}"] == 5
    assert told["stage_seconds_total{stage=store}"] == 1
    assert told["batch_seconds{stage=score}"] == 2 and "batch_seconds{stage=store}" not in told
    assert told["early_messages_total{}"] == 2
    assert told["latency_seconds_count{}"] == 10
    assert told["latency_seconds_bucket{le=1.0}"] == 6  # 0, 0.4 and 0.9 s, twice
    assert told["latency_seconds_bucket{le=10.0}"] == 8
    assert told["latency_seconds_sum{}"] == pytest.approx(2 * 21.3)
    assert told["models_info{code_version=0.1.0,model_version=acai-1,braai-2,refused=}"] == 1
    assert told["models_refused{}"] == 0


def test_what_was_not_measured_is_no_number(metrics):
    metrics.observe(REPORT)
    metrics.observe(replace(REPORT, lag_offsets=None, latency_p99_s=math.nan))
    told = scrape(metrics)
    assert math.isnan(told["input_rate{}"]) and math.isnan(told["lag_offsets{}"])
    assert math.isnan(told["latency_quantile_seconds{quantile=0.99}"])


def test_refused_models_are_told_until_they_are_gone(metrics):
    metrics.observe(replace(REPORT, refused_models="acai-9: gives NaN; braai-9: file is missing"))
    told = scrape(metrics)
    assert told["models_refused{}"] == 1
    assert any("refused=acai-9: gives NaN" in name for name in told)
    metrics.observe(REPORT)
    told = scrape(metrics)
    assert told["models_refused{}"] == 0 and sum("models_info" in name for name in told) == 1


def test_two_streams_in_one_process_and_a_closed_port_is_free():
    first, second = PrometheusMetrics(0), PrometheusMetrics(0)
    first.observe(REPORT)
    assert scrape(second)["messages_total{}"] == 0 and scrape(first)["messages_total{}"] == 100
    port = first.port
    first.close()
    second.close()
    with socket.socket() as free:
        assert free.connect_ex(("127.0.0.1", port)) != 0


def test_a_port_in_use_is_named(metrics):
    with pytest.raises(ContractError, match=f"port {metrics.port}: .*choose another port"):
        PrometheusMetrics(metrics.port)
