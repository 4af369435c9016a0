"""Score the alert stream: from a Kafka topic into tables and onto the topics of the filters."""

import argparse
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from pyspark.errors import StreamingQueryException
from pyspark.sql.streaming.query import StreamingQuery

from jobs.common.broker import ensure_topic
from jobs.common.cli import job_parser, open_log, run_job
from jobs.common.config import CONF
from jobs.common.kafka import read_kafka_settings
from jobs.common.session import open_session
from jobs.common.tables import Warehouse
from streaming.batch import AlertBatches, StreamSettings
from streaming.filters import check_filters, read_filters
from streaming.prometheus import PrometheusMetrics
from streaming.schemas import read_schemas
from streaming.source import choose_max_offsets, measured_rates, read_topic

JOB = "score_alerts"
EXAMPLES = """
examples:
  A broker, the published networks, some alerts, and the stream on this machine:
    make kafka
    spark-submit jobs/import_models.py --folder models && spark-submit jobs/promote_models.py
    python jobs/replay_alerts.py --input packets
    spark-submit streaming/run.py

  All that is in the topic, then stop:
    spark-submit streaming/run.py --once

Every alert is scored by the models in production; a promotion reaches the stream with its next
micro-batch. Results: tables scored_alerts, alerts (with stamps), dead_letters, published and
stream_batches, and the topics of conf/filters. Killed at any time and started again, the stream
goes on where its checkpoint stands; no alert is lost or doubled. SIGTERM or Ctrl-C lets the
micro-batch in hand come to its end.
"""
log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point for spark-submit, tests and notebooks alike."""
    parser = job_parser(__doc__ or "", epilog=EXAMPLES)
    _add_flags(parser)
    args = parser.parse_args(argv)
    open_log(verbose=args.verbose)
    # The client tells of each attempt to reach a broker that is away; what matters is said here.
    logging.getLogger("kafka").setLevel(logging.WARNING if args.verbose else logging.CRITICAL)

    warehouse = Warehouse(open_session(JOB, args.conf), args.warehouse)
    filters = read_filters(Path(args.filters))
    check_filters(warehouse.spark, filters)
    settings = StreamSettings(
        kafka=read_kafka_settings(Path(args.kafka), os.environ),
        topic=args.topic,
        dead_letter_topic=args.dead_letter_topic or f"{args.topic}_dead_letters",
        checkpoint=args.checkpoint or f"{args.warehouse.rstrip('/')}/checkpoints/{JOB}",
        filters=filters,
        keep_stamps=not args.no_stamps,
        schemas=read_schemas(Path(args.schemas)) if args.schemas else None,
    )
    # A cluster may not make topics by itself.
    for name in (settings.topic, settings.dead_letter_topic, *(each.topic for each in filters)):
        ensure_topic(settings.kafka, name, args.partitions)
    metrics = PrometheusMetrics(args.metrics_port) if args.metrics_port is not None else None
    batches = AlertBatches(warehouse, settings, metrics)
    try:
        Stream(warehouse, settings, batches, args).run()
    finally:
        batches.close()
        if metrics:
            metrics.close()


class Stream:
    """Starts the query, and starts it again when it fails for a reason that may pass."""

    def __init__(
        self, warehouse: Warehouse, settings: StreamSettings, batches: AlertBatches,
        args: argparse.Namespace,
    ) -> None:  # fmt: skip
        self._warehouse = warehouse
        self._settings = settings
        self._batches = batches
        self._args = args
        self._stop = threading.Event()

    def run(self) -> None:
        """Until a signal comes, or all is read with ``--once``.

        Raises
        ------
        ContractError
            If no models are there to score with, or somebody else writes to the tables.
        StreamingQueryException
            If the query fails ``--retries`` times without a micro-batch in between, or messages
            are gone from the topic that were not read.
        """
        self._batches.check()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        failures = 0
        while not self._stop.is_set():
            query = self._start()
            try:
                self._wait(query)
                return
            except StreamingQueryException as error:
                if self._stop.is_set():
                    return
                failures = 1 if query.lastProgress else failures + 1
                if self._batches.failure:
                    raise self._batches.failure from None
                if "KAFKA_DATA_LOSS" in str(error) or failures > self._args.retries:
                    raise
                pause = min(2.0**failures, 60.0)
                log.warning("the stream stopped and starts again in %.0f s: %s", pause,
                            str(error).splitlines()[0])  # fmt: skip
                self._stop.wait(pause)

    def _start(self) -> StreamingQuery:
        args, settings = self._args, self._settings
        most = args.max_offsets or choose_max_offsets(
            measured_rates(self._warehouse), batch_s=args.batch_seconds
        )
        messages = read_topic(
            self._warehouse.spark, settings.kafka, topic=settings.topic, max_offsets=most
        )
        trigger = {"availableNow": True} if args.once else {"processingTime": args.trigger}
        query = (
            messages.writeStream.queryName(JOB)
            .option("checkpointLocation", settings.checkpoint)
            .trigger(**trigger)
            .foreachBatch(self._batches)
            .start()
        )
        log.info("reading topic %s, at most %d messages at a time", settings.topic, most)
        return query

    def _wait(self, query: StreamingQuery) -> None:
        while not self._stop.is_set():
            if query.awaitTermination(1):
                return
        log.info("stopping after the micro-batch in hand")
        self._batches.stop()
        deadline = time.monotonic() + self._args.stop_seconds
        while query.isActive and query.status["isTriggerActive"] and time.monotonic() < deadline:
            time.sleep(0.1)
        query.stop()


def _add_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--kafka", default=str(CONF / "kafka" / "local.toml"),
        help="settings of the broker (default: conf/kafka/local.toml)")  # fmt: skip
    add("--topic", default="ztf_alerts", help="of the alerts (default ztf_alerts)")
    add("--partitions", type=int, default=3, help="of topics that are not there yet (default 3)")
    add("--dead-letter-topic", help="of messages that are no alerts (default: TOPIC_dead_letters)")
    add("--filters", default=str(CONF / "filters"),
        help="folder of filters (default: conf/filters)")  # fmt: skip
    add("--checkpoint", help="where Spark notes what was read, one folder per stream "
        "(default: checkpoints/score_alerts in the warehouse)")  # fmt: skip
    add("--schemas", help="folder of Avro schemas, <id>.avsc, for messages that are framed by the "
        "number of their schema (default: each message is an Avro container)")  # fmt: skip
    add("--no-stamps", action="store_true", help="do not keep images in the table alerts")
    add("--once", action="store_true", help="read what is in the topic, then stop")
    add(
        "--trigger", default="0 seconds", help="time between micro-batches at least (default: none)"
    )
    add("--batch-seconds", type=float, default=5.0,
        help="duration of a full micro-batch, by the rate measured before (default 5)")  # fmt: skip
    add("--max-offsets", type=int, help="messages of a micro-batch at most, instead of that")
    add("--metrics-port", type=int, help="serve Prometheus metrics on this port (default: not)")
    add("--retries", type=int, default=20,
        help="failures in a row to outlive, as of a broker that is away (default 20)")  # fmt: skip
    add("--stop-seconds", type=float, default=60.0,
        help="how long a signal waits for the micro-batch in hand (default 60)")  # fmt: skip


if __name__ == "__main__":
    sys.exit(run_job(main))
