"""The flags of replay_alerts."""

import argparse
from pathlib import Path

from jobs.alerts.replay import TOPIC, Pace, burst, steady, survey_timing
from jobs.common.kafka import LOCAL


def add_replay_flags(parser: argparse.ArgumentParser) -> None:
    """What is sent, where to, and how fast."""
    add = parser.add_argument
    add("--input", required=True, nargs="+", metavar="PATH",
        help="folders (searched below as well) or files *.avro")  # fmt: skip
    add("--topic", default=TOPIC, help=f"(default {TOPIC})")
    add("--partitions", type=_count, default=3, metavar="N",
        help="of the topic, if it is not there yet (default 3)")  # fmt: skip
    add("--kafka", type=Path, default=LOCAL, metavar="FILE",
        help="where the broker is and how to log in (default conf/kafka/local.toml)")  # fmt: skip
    pace = parser.add_mutually_exclusive_group()
    pace.add_argument("--burst", action="store_true", help="as fast as it goes (the default)")
    pace.add_argument("--rate", type=_positive, metavar="N", help="alerts per second")
    pace.add_argument("--survey-timing", action="store_true",
                      help="in the order of the exposures, at their times")  # fmt: skip
    add("--speed-up", type=_positive, default=1.0, metavar="X",
        help="divides the times of --survey-timing (default 1)")  # fmt: skip
    add("--repeat", type=_count, default=1, metavar="K", help="send all K times (default 1)")
    add("--fresh-candids", action="store_true",
        help="every alert sent gets a candid of its own; the rest of it stays")  # fmt: skip
    add("--seed", type=int, help="of the new candids (default: another one every second)")
    add("--verbose", action="store_true", help="log more")


def pace_of(args: argparse.Namespace) -> Pace:
    """The flags as a pace."""
    if args.rate:
        return steady(args.rate)
    return survey_timing(args.speed_up) if args.survey_timing else burst


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value}: expected at least 1")
    return value


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{value}: expected a number above 0")
    return value
