"""Published alerts as a consumer gets them from a real broker."""

import io
import shutil
import uuid

import fastavro
import numpy as np
import pytest
from made_scored_alerts import FIRST_CANDID, scored_alerts

from streaming.filters import AlertFilter
from streaming.publish import KafkaSink, Publisher
from udfs.alert_schemas import PUBLISHED

ALERTS = [
    {"objectId": "ZTF20aaaaaaa", "magpsf": 17.0, "acai_h": 0.9,
     "known_labels": {"b": 0.5, "a": 1.0}},
    {"objectId": "ZTF20aaaaaab", "magpsf": 19.0, "acai_h": 0.9, "night": 60001},
    {"objectId": "ZTF20aaaaaaa", "magpsf": 17.5, "acai_h": 0.1, "model_version": "acai-0"},
    {"objectId": "ZTF20aaaaaac", "magpsf": None, "acai_h": None},
]  # fmt: skip
BRIGHT, HOSTED = 0, 1


@pytest.fixture
def filters(broker):
    """Two filters with topics of their own."""
    made = []
    for name, where in (("bright", "magpsf < 18"), ("hosted", "acai_h > 0.8")):
        topic = f"{name}-{uuid.uuid4().hex[:8]}"
        broker.create_topic(topic, 2)
        made.append(AlertFilter(name, "-", where, topic, f"version of {name}"))
    return made


@pytest.fixture
def send(spark, warehouse, broker, filters):
    """Publish alerts; returns how many went where."""
    sink = KafkaSink(broker.settings)

    def publish_once(alerts, batch_id=7):
        rows = scored_alerts(spark, alerts)
        # A new object each time, as after a restart.
        return Publisher(filters, sink).publish(rows, warehouse, batch_id=batch_id)

    return publish_once


def got(broker, alert_filter):
    """Messages of a filter's topic as (key, value, headers), by key and value."""
    found = [(m.key, m.value, dict(m.headers)) for m in broker.read_all(alert_filter.topic)]
    return sorted(found, key=lambda message: message[:2])


def opened(message):
    (record,) = fastavro.reader(io.BytesIO(message[1]))
    return record


def test_consumers_get_the_alerts_of_each_filter_with_their_values(broker, filters, send):
    assert send(ALERTS) == {"bright": 2, "hosted": 2}
    bright = {opened(m)["candid"]: m for m in got(broker, filters[BRIGHT])}
    hosted = {opened(m)["candid"]: m for m in got(broker, filters[HOSTED])}
    assert sorted(bright) == [FIRST_CANDID, FIRST_CANDID + 2]
    assert sorted(hosted) == [FIRST_CANDID, FIRST_CANDID + 1]
    key, _, headers = bright[FIRST_CANDID]
    assert key == b"ZTF20aaaaaaa"
    assert headers == {
        "candid": str(FIRST_CANDID).encode(), "filter": b"bright",
        "filter_version": b"version of bright",
    }  # fmt: skip
    alert = opened(bright[FIRST_CANDID])
    assert alert["objectId"] == "ZTF20aaaaaaa"
    assert (alert["night"], alert["jd"], alert["magpsf"]) == (60000, 2460000.75, 17.0)
    assert alert["acai_h"] == float(np.float32(0.9))
    assert alert["known_labels"] == {"a": 1.0, "b": 0.5}
    assert (alert["filter"], alert["filter_version"]) == ("bright", "version of bright")
    assert alert["braai"] is None
    assert opened(bright[FIRST_CANDID + 2])["model_version"] == "acai-0"


def test_what_is_published_is_noted_and_not_sent_again(broker, filters, send, warehouse):
    send(ALERTS[:2], batch_id=7)
    first = [got(broker, each) for each in filters]
    # The second batch repeats the alerts of the first.
    assert send(ALERTS, batch_id=8) == {"bright": 1, "hosted": 0}
    assert send(ALERTS, batch_id=8) == {"bright": 0, "hosted": 0}
    assert [len(got(broker, each)) for each in filters] == [2, 2]
    assert got(broker, filters[HOSTED]) == first[HOSTED]
    noted = sorted(
        (r["filter"], r["candid"] - FIRST_CANDID, r["night"], r["objectId"], r["topic"],
         r["batch_id"], r["filter_version"], r["model_version"])
        for r in warehouse.read(PUBLISHED).collect()
    )  # fmt: skip
    bright, hosted = (each.topic for each in filters)
    assert noted == [
        ("bright", 0, 60000, "ZTF20aaaaaaa", bright, 7, "version of bright", None),
        ("bright", 2, 60000, "ZTF20aaaaaaa", bright, 8, "version of bright", "acai-0"),
        ("hosted", 0, 60000, "ZTF20aaaaaaa", hosted, 7, "version of hosted", None),
        ("hosted", 1, 60001, "ZTF20aaaaaab", hosted, 7, "version of hosted", None),
    ]


def test_a_crash_between_topic_and_table_repeats_the_very_same_messages(
    broker, filters, send, warehouse
):
    send(ALERTS)
    once = [got(broker, each) for each in filters]
    shutil.rmtree(warehouse.path(PUBLISHED))
    assert send(ALERTS) == {"bright": 2, "hosted": 2}
    for each, before in zip(filters, once, strict=True):
        assert got(broker, each) == sorted([*before, *before], key=lambda message: message[:2])
    assert warehouse.read(PUBLISHED).count() == 4


def test_nothing_to_publish_touches_neither_topic_nor_table(spark, warehouse, filters):
    nowhere = KafkaSink(None)  # any use of it fails
    rows = scored_alerts(spark, ALERTS[3:])
    found = Publisher(filters, nowhere).publish(rows, warehouse, batch_id=1)
    assert found == {"bright": 0, "hosted": 0}
    assert Publisher([], nowhere).publish(rows, warehouse, batch_id=1) == {}
    assert not warehouse.exists(PUBLISHED)
