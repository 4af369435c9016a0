"""The state of the stream for Prometheus: http://host:port/metrics."""

from collections.abc import Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    start_http_server,
)

from streaming.metrics import BatchReport, Latencies
from udfs.errors import ContractError

PREFIX = "lambdasky_stream"
# The bar is 10 s: fine around it, coarse far from it.
LATENCY_BUCKETS_S = (0.5, 1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 60.0, 300.0, 3600.0)


class PrometheusMetrics:
    """Serves what the micro-batches report until it is closed.

    Counters start at 0 with the process, as Prometheus expects; the table ``stream_batches`` has
    the whole past.

    Parameters
    ----------
    port : int
        Where to listen, on all addresses; 0 takes a free one, told by ``port``.

    Raises
    ------
    ContractError
        If the port is taken.
    """

    def __init__(self, port: int) -> None:
        # The library's global registry would refuse a second stream in one process.
        self.registry = CollectorRegistry()
        self._messages = self._counter("messages", "Messages read from the topic")
        self._alerts = self._counter("alerts", "New alerts in scored_alerts")
        self._duplicates = self._counter("duplicates", "Messages of alerts that were there already")
        self._dead_letters = self._counter("dead_letters", "Messages put aside")
        self._published = self._counter("published", "Alerts sent to the filters' topics", "filter")
        self._early = self._counter(
            "early_messages", "Messages with a time after their commit: clocks differ or jumped"
        )
        self._batches = self._counter("batches", "Micro-batches that came to their end")
        self._batch_id = self._gauge("batch_id", "Number of the last micro-batch")
        self._committed = self._gauge(
            "last_commit_timestamp_seconds", "When alerts were last committed (seconds since 1970)"
        )
        self._lag_offsets = self._gauge("lag_offsets", "Messages in the topic that are not read")
        self._lag_s = self._gauge("lag_seconds", "Age of the oldest message of the last batch")
        self._input_rate = self._gauge("input_rate", "Messages per second into the topic")
        self._processed_rate = self._gauge("processed_rate", "Messages per second processed")
        self._quantile = self._gauge(
            "latency_quantile_seconds", "Latency of the last batch", "quantile"
        )
        self._latency = Histogram(
            f"{PREFIX}_latency_seconds", "From the arrival of a message to the commit of its alert",
            buckets=LATENCY_BUCKETS_S, registry=self.registry,
        )  # fmt: skip
        self._stages = self._counter("stage_seconds", "Time spent in each stage", "stage")
        self._batch_s = self._gauge("batch_seconds", "Duration of the last batch by stage", "stage")
        self._refused = self._gauge(
            "models_refused", "1 while a model set in production is refused and older ones score"
        )
        self._models = Info(f"{PREFIX}_models", "What scores", registry=self.registry)
        try:
            self._server, self._thread = start_http_server(port, registry=self.registry)
        except OSError as error:
            raise ContractError(
                f"metrics cannot be served on port {port}: {error.strerror}; choose another port, "
                "or 0 for a free one"
            ) from error

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_port)

    def observe(self, report: BatchReport, delays: Latencies | None = None) -> None:
        """Take in one micro-batch, and how long each of its alerts waited."""
        self._batches.inc()
        self._messages.inc(report.n_messages)
        self._alerts.inc(report.n_alerts)
        self._duplicates.inc(report.n_duplicates)
        self._dead_letters.inc(report.n_dead_letters)
        for name, count in report.n_published.items():
            self._published.labels(name).inc(count)
        self._batch_id.set(report.batch_id)
        self._committed.set(report.committed.timestamp())
        for gauge, value in (
            (self._lag_offsets, report.lag_offsets),
            (self._lag_s, report.lag_s),
            (self._input_rate, report.input_rate),
            (self._processed_rate, report.processed_rate),
            (self._quantile.labels("0.5"), report.latency_p50_s),
            (self._quantile.labels("0.95"), report.latency_p95_s),
            (self._quantile.labels("0.99"), report.latency_p99_s),
        ):
            # An old value would pass for a fresh one.
            gauge.set(float("nan") if value is None else value)
        if delays is not None:
            self._early.inc(delays.n_early)
            for seconds in delays.seconds.tolist():
                self._latency.observe(seconds)
        self._observe_stages(report.seconds)
        self._refused.set(1 if report.refused_models else 0)
        self._models.info(
            {"model_version": report.model_version, "code_version": report.code_version,
             "refused": report.refused_models or ""}
        )  # fmt: skip

    def close(self) -> None:
        """Stop serving and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _observe_stages(self, seconds: Mapping[str, float]) -> None:
        # A stage that the last batch did not have took none of its time.
        self._batch_s.clear()
        for stage, duration in seconds.items():
            self._stages.labels(stage).inc(duration)
            self._batch_s.labels(stage).set(duration)

    def _counter(self, name: str, about: str, *labels: str) -> Counter:
        return Counter(f"{PREFIX}_{name}", about, labels, registry=self.registry)

    def _gauge(self, name: str, about: str, *labels: str) -> Gauge:
        return Gauge(f"{PREFIX}_{name}", about, labels, registry=self.registry)
