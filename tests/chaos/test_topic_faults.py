"""A topic that behaves badly: a partition that stalls, senders whose clocks are wrong."""

import time

import pytest
from account import account_of
from kafka.errors import InvalidTimestampError

HOUR_MS = 3_600_000


def test_one_of_three_partitions_stalls_and_comes_back_late(make_feed):
    """The others go on; what comes late is old, out of order, and partly known."""
    feed = make_feed(3)
    for partition in range(3):
        feed.send(feed.mixed(20), partition=partition)
    feed.run_once("--max-offsets", "30")
    held = feed.mixed(60)
    then_ms = int(time.time() * 1000)
    for _ in range(2):
        for partition in (0, 1):
            feed.send(feed.mixed(20), partition=partition)
        feed.run_once("--max-offsets", "30")
        # Nothing of the stalled one, all of the others.
        assert account_of(feed).faults == []
    # Its sender has failed over to another one with some of the messages.
    feed.send(held[:20], partition=0)
    feed.send(held, partition=2, timestamp_ms=then_ms)
    feed.run_once("--max-offsets", "30")
    account = account_of(feed)
    assert account.faults == [] and account.alerts == 60 + 80 + 60


@pytest.mark.parametrize("of_messages", ["future_and_past", "microseconds"])
def test_clocks_of_senders_jump(make_feed, of_messages):
    """A broker that takes any time of a message: an alert is an alert all the same."""
    anything = str(2**62)
    feed = make_feed(configs={
        "message.timestamp.after.max.ms": anything, "message.timestamp.before.max.ms": anything,
    })  # fmt: skip
    now_ms = int(time.time() * 1000)
    jumps = {
        "future_and_past": [0, now_ms - 20 * 365 * 24 * HOUR_MS, now_ms + HOUR_MS, 4102444800000],
        # A sender that mistakes the unit: the year is 57,000.
        "microseconds": [now_ms * 1000],
    }[of_messages]
    for timestamp_ms in [now_ms, *jumps, now_ms]:
        feed.send(feed.mixed(20), timestamp_ms=timestamp_ms)
    feed.run_once("--max-offsets", "50")
    account = account_of(feed)
    assert account.faults == [] and account.letters > 0


def test_a_broker_as_it_comes_refuses_times_in_the_future_and_tells_the_sender(make_feed):
    """More than an hour, by message.timestamp.after.max.ms: not in the topic, not lost unseen."""
    feed = make_feed()
    feed.send(feed.mixed(10))
    with pytest.raises(InvalidTimestampError):
        feed.stream.send(feed.alerts(1), timestamp_ms=int(time.time() * 1000) + 2 * HOUR_MS)
    feed.run_once()
    assert account_of(feed).faults == []
