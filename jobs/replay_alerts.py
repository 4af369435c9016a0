"""Send alert packets onto a Kafka topic, as a survey would."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from itertools import chain, repeat
from pathlib import Path

from jobs.alerts.fresh import fresh, new_seed
from jobs.alerts.replay import as_messages, by_time, find_packets, replay
from jobs.alerts.replay_arguments import add_replay_flags, pace_of
from jobs.common.broker import ensure_topic, open_producer
from jobs.common.cli import open_log, run_job
from jobs.common.kafka import read_kafka_settings
from jobs.common.progress import Progress

EXAMPLES = """
examples:
  A folder of packets (one Avro file per alert) onto the broker of `make kafka`, at once:
    python jobs/replay_alerts.py --input ztf_public_20240901

  At the mean rate of Rubin, 10,000 alerts that no stream has seen before:
    python jobs/replay_alerts.py --input packets --rate 270 --repeat 20 --fresh-candids

  A night as it was observed, in a tenth of the time:
    python jobs/replay_alerts.py --input ztf_public_20240901 --survey-timing --speed-up 10

The job ends when the broker has stored every message, and prints how many: files x repetitions.
"""
JOB = "replay_alerts"
log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point for the command line and tests alike."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_replay_flags(parser)
    args = parser.parse_args(argv)
    open_log(verbose=args.verbose)
    # The client tells of each attempt to connect; what matters of it is said here.
    logging.getLogger("kafka").setLevel(logging.WARNING if args.verbose else logging.CRITICAL)

    settings = read_kafka_settings(args.kafka, os.environ)
    files = find_packets(args.input)
    partitions = ensure_topic(settings, args.topic, args.partitions)
    log.info("topic=%s partitions=%d broker=%s", args.topic, partitions, settings.bootstrap_servers)

    if args.survey_timing:
        files = by_time(files)
    if args.fresh_candids:
        seed = new_seed() if args.seed is None else args.seed
        log.info("new candids: seed=%d", seed)
        packets = fresh(map(Path.read_bytes, files), args.repeat, seed)
    else:
        packets = map(Path.read_bytes, chain.from_iterable(repeat(files, args.repeat)))

    progress = Progress(JOB, len(files) * args.repeat, of="alerts")
    producer = open_producer(settings)
    try:
        account = replay(
            as_messages(packets), producer, pace_of(args), topic=args.topic, told=progress.add
        )
    finally:
        producer.close(timeout=0)
    log.info(
        "messages: %s sent = %s files x %d, in %.1f s", f"{account.sent:,}", f"{len(files):,}",
        args.repeat, account.seconds,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(run_job(main))
