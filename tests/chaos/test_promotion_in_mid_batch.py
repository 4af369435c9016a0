"""New models are promoted while a micro-batch runs: it ends with the old ones, the next has them.

Micro-batches follow one another without a pause, so that whenever a promotion comes, one runs.
"""

import threading
import time

import numpy as np
from account import account_of
from alert_stream import promoted_networks

from jobs.common.model_files import model_files
from models.acai.scorer import AlertScorer
from models.store import load, split_name
from udfs.alert_schemas import ALERT_SCORES, SCORED_ALERTS, STREAM_BATCHES
from udfs.alerts.metadata import FEATURES, feature_matrix
from udfs.alerts.ztf import candids, read_alerts

PER_BATCH = 25


def test_every_alert_is_scored_by_the_models_that_its_row_names(make_feed, length):
    feed = make_feed()
    promotions = min(length.others, 5)
    messages = list(feed.alerts(PER_BATCH * 4 * (promotions + 1)))
    feed.send(messages)
    pauses = feed.rng.uniform(0, 2, promotions)
    promoter = threading.Thread(target=promote, args=(feed.stream, pauses))
    promoter.start()
    feed.run_once("--max-offsets", str(PER_BATCH))
    promoter.join()
    # What was promoted late has something to score.
    messages += feed.alerts(PER_BATCH)
    feed.send(messages[-PER_BATCH:])
    feed.run_once()
    assert account_of(feed).faults == []

    warehouse = feed.stream.warehouse
    batches = warehouse.read(STREAM_BATCHES).orderBy("batch_id").collect()
    versions = [row["model_version"] for row in batches]
    turns = [v for v, before in zip(versions, [None, *versions], strict=False) if v != before]
    # Each is followed by the next, none comes back.
    assert len(turns) == len(set(turns)) >= 2
    told = warehouse.read(SCORED_ALERTS).select("candid", "model_version", *ALERT_SCORES)
    rows = {row["candid"]: row for row in told.collect()}
    for version in turns:
        stored = sum(row["model_version"] == version for row in rows.values())
        assert stored == sum(b["n_alerts"] for b in batches if b["model_version"] == version)
        check_scores(warehouse, version, messages, rows)


def promote(stream, pauses):
    """Other networks after each pause, counted from a micro-batch on record."""
    for number, pause in enumerate(pauses):
        deadline = time.monotonic() + 300
        while stream.batches() < 1 + 3 * number and time.monotonic() < deadline:
            time.sleep(0.2)
        time.sleep(pause)
        promoted_networks(stream.warehouse, seed=100 + number)


def check_scores(warehouse, version, messages, rows):
    """The scores are those of the sets that the rows name, computed here."""
    sets = [load(model_files(warehouse), *split_name(name)) for name in version.split(",")]
    packets, images, _ = read_alerts(messages)
    features = feature_matrix({n: packets.numbers[f"candidate.{n}"] for n in FEATURES})
    expected = AlertScorer(sets).score(features, images)
    mine = [i for i, c in enumerate(candids(packets)[0]) if rows[c]["model_version"] == version]
    for label in ALERT_SCORES:
        found = [rows[candids(packets)[0][i]][label] for i in mine]
        # Single precision; batches of another size are summed in another order.
        np.testing.assert_allclose(found, expected[label][mine], rtol=0, atol=1e-5)
