"""The account after the faults: what is in the topic against what became of it.

The truth is the topic itself, read back from the broker: a sender whose broker was killed repeats
what was not acknowledged, and no count of its own says how often a message is there.
"""

import io
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import fastavro
from feed import Feed, digest
from kafka.consumer.fetcher import ConsumerRecord

from udfs.alert_schemas import SCORED_ALERTS, STREAM_BATCHES

log = logging.getLogger("chaos")
_TOLD = 5


@dataclass
class Account:
    """Figures of one test; ``faults`` is empty if all is as it must be."""

    messages: int = 0
    alerts: int = 0
    letters: int = 0
    sent_twice: int = 0
    faults: list[str] = field(default_factory=list)

    def compare(self, what: str, found: Iterable[object], expected: Iterable[object]) -> None:
        """Each expected once, nothing else."""
        found_of, expected_of = Counter(found), Counter(expected)
        lost, more = expected_of - found_of, found_of - expected_of
        for name, wrong in (("lost", lost), ("doubled or strange", more)):
            if wrong:
                some = sorted(map(str, wrong))[:_TOLD]
                self.faults.append(f"{what}: {wrong.total()} {name}, such as {some}")


def account_of(feed: Feed, *, same_plans: bool = True) -> Account:
    """Count everything; the stream must have read all of its topic.

    Parameters
    ----------
    same_plans
        Whether every micro-batch kept its offsets when it was done again, so that
        ``stream_batches`` has each message once. A checkpoint that was set back makes other plans.
    """
    stream = feed.stream
    records = feed.broker.read_all(stream.topic)
    account = Account(messages=len(records))
    in_topic = Counter(digest(record.value) for record in records)
    account.compare("acknowledged messages", (feed.sent - in_topic).elements(), [])
    candids = {feed.candid_of(record) for record in records} - {None}
    letters = [(r.partition, r.offset) for r in records if feed.candid_of(r) is None]
    account.alerts, account.letters = len(candids), len(letters)
    account.compare("scored_alerts", stream.candids(), candids)
    account.compare("alerts", stream.stamps(), candids)
    account.compare("dead_letters", stream.letters(), letters)
    _dead_letter_topic(account, feed, records)
    odd = {candid for candid in candids if candid is not None and candid % 2}
    for name, passed in (("every", candids), ("odd", odd)):
        account.compare(f"published, {name}", stream.published(name), passed)
        _filter_topic(account, feed, name, passed)
    _batches(account, feed, same_plans=same_plans)
    log.info(
        "%s: %d messages, %d alerts, %d dead letters; %d messages of the filters sent twice; %s",
        stream.topic, account.messages, account.alerts, account.letters, account.sent_twice,
        "; ".join(account.faults) or "nothing lost, nothing doubled",
    )  # fmt: skip
    return account


def _dead_letter_topic(account: Account, feed: Feed, records: Sequence[ConsumerRecord]) -> None:
    """At least once each, with the bytes as they came."""
    invalid = {(r.partition, r.offset): r.value for r in records if feed.candid_of(r) is None}
    found = feed.broker.read_all(f"{feed.stream.topic}_dead_letters") if invalid else []
    sent = {
        (int(headers["partition"]), int(headers["offset"])): letter.value
        for letter in found
        for headers in [dict(letter.headers)]
    }
    account.compare("topic of dead letters", sent.items(), invalid.items())


def _filter_topic(account: Account, feed: Feed, name: str, passed: Iterable[object]) -> None:
    """At least once each; the second time the same bytes, which say what the table says."""
    found = feed.broker.read_all(f"{feed.stream.topic}_{name}")
    distinct = {message.value for message in found}
    told = [next(fastavro.reader(io.BytesIO(value))) for value in distinct]
    account.sent_twice += len(found) - len(distinct)
    account.compare(f"topic of {name}", [alert["candid"] for alert in told], passed)
    columns = ("candid", "braai", "acai_h", "model_version")
    rows = feed.stream.warehouse.read(SCORED_ALERTS).select(*columns).toArrow().to_pylist()
    stored = {row["candid"]: tuple(row.values()) for row in rows}
    differ = [a for a in told if tuple(a[c] for c in columns) != stored.get(a["candid"])]
    account.compare(f"topic of {name} against the table", [a["candid"] for a in differ], [])


def _batches(account: Account, feed: Feed, *, same_plans: bool) -> None:
    rows = feed.stream.warehouse.read(STREAM_BATCHES).collect()
    for row in rows:
        kinds = row["n_alerts"] + row["n_duplicates"] + row["n_dead_letters"]
        account.compare(f"kinds of batch {row['batch_id']}", [kinds], [row["n_messages"]])
    # An alert that was stored by a try that did not come to its end counts as known in the next.
    if sum(row["n_alerts"] for row in rows) > account.alerts:
        account.faults.append("stream_batches: more alerts than there are")
    if not same_plans:
        return
    numbers = sorted(row["batch_id"] for row in rows)
    account.compare("numbers of stream_batches", numbers, range(len(numbers)))
    account.compare("queries", {row["query_id"] for row in rows}, {rows[0]["query_id"]})
    for column, expected in (("n_messages", account.messages), ("n_dead_letters", account.letters)):
        account.compare(f"sum of {column}", [sum(row[column] for row in rows)], [expected])
