"""The stream from a real broker into real tables: every alert once, whatever happens."""

import shutil
import signal

import numpy as np
import pandas as pd
import pytest
from alert_stream import AlertStream, kill, promoted_networks
from made_alerts import packet, record, stamp

from jobs.common.tables import Warehouse
from jobs.import_models import main as import_models
from jobs.promote_models import main as promote_models
from streaming.run import main as run
from udfs.alert_schemas import ALERT_SCORES, ALERTS, DEAD_LETTERS, SCORED_ALERTS, STREAM_BATCHES
from udfs.errors import ContractError

FIRST = 2_100_000_000_000_000_000


def made(numbers, **changes):
    return [packet(record(FIRST + i, **changes)) for i in numbers]


@pytest.fixture
def stream(spark, broker, tmp_path, request):
    topic = f"alerts_{abs(hash(request.node.name)) % 10**8}"
    broker.create_topic(topic, 2)
    warehouse = Warehouse(spark, str(tmp_path / "warehouse"))
    promoted_networks(warehouse)
    return AlertStream(warehouse, broker.bootstrap, topic)


def once(stream, *more):
    run([*stream.arguments, "--once", *more])


def test_alerts_duplicates_and_dead_letters_add_up(stream):
    small = record(FIRST + 90)
    small["cutoutScience"]["stampData"] = stamp(np.ones((40, 63)))
    stream.send(made(range(30)) + made([3, 4]) + [b"no alert", packet(small)])
    once(stream)
    assert stream.candids() == [FIRST + i for i in [*range(30), 90]]
    assert stream.reasons() == ["not_a_container"]
    letter = stream.warehouse.read(DEAD_LETTERS).first()
    assert bytes(letter["message"]) == b"no alert" and letter["topic"] == stream.topic
    batches = stream.warehouse.read(STREAM_BATCHES).collect()
    assert sum(b["n_messages"] for b in batches) == 34
    assert sum(b["n_alerts"] for b in batches) == 31
    assert sum(b["n_duplicates"] for b in batches) == 2
    assert sum(b["n_dead_letters"] for b in batches) == 1
    assert batches[-1]["lag_offsets"] == 0
    assert stream.warehouse.read(ALERTS).count() == 31
    row = stream.warehouse.read(SCORED_ALERTS).where(f"candid = {FIRST + 7}").first()
    written = record(FIRST + 7)
    assert row["objectId"] == written["objectId"]
    assert row["magpsf"] == pytest.approx(written["candidate"]["magpsf"], rel=1e-7)
    assert [round(jd, 3) for jd in row["prv_jd"]] == [
        round(p["jd"], 3) for p in written["prv_candidates"]
    ]
    assert row["prv_isdiffpos"][0] == 0.0 and row["prv_magpsf"][1] != row["prv_magpsf"][1]
    assert 0 < row["braai"] < 1 and 0 < row["acai_h"] < 1
    assert sorted(v.partition("-")[0] for v in row["model_version"].split(",")) == ["acai", "braai"]

    # Sent again, in another order, with news in between: only these are added.
    stream.send(made(range(40, 20, -1)))
    once(stream)
    assert stream.candids() == [FIRST + i for i in [*range(41), 90]]
    assert stream.warehouse.read(ALERTS).count() == 42


def test_a_promotion_reaches_the_next_batch_and_a_damaged_model_is_refused(stream):
    stream.send(made(range(5)))
    once(stream)
    promoted_networks(stream.warehouse, seed=4)
    stream.send(made(range(5, 10)))
    once(stream)
    versions = {
        row["candid"] - FIRST: row["model_version"]
        for row in stream.warehouse.read(SCORED_ALERTS).collect()
    }
    assert len({versions[i] for i in range(5)}) == len({versions[i] for i in range(5, 10)}) == 1
    assert versions[0] != versions[5]


def test_without_models_the_stream_says_what_to_do(spark, broker, tmp_path):
    stream = AlertStream(Warehouse(spark, str(tmp_path / "warehouse")), broker.bootstrap)
    with pytest.raises(ContractError, match="no model of acai or braai is in production"):
        once(stream)


def test_a_checkpoint_that_was_set_back_loses_and_doubles_nothing(stream, tmp_path):
    """The plan of a micro-batch is made anew: other offsets under a number that was used."""
    checkpoint = tmp_path / "warehouse" / "checkpoints" / "score_alerts"
    stream.send(made(range(6)))
    once(stream)
    shutil.copytree(checkpoint, tmp_path / "copy")
    stream.send(made(range(6, 9)))
    once(stream)
    stream.send(made(range(9, 20)))
    shutil.rmtree(checkpoint)
    shutil.copytree(tmp_path / "copy", checkpoint)
    once(stream)
    assert stream.candids() == [FIRST + i for i in range(20)]
    # The last commit is forgotten: its micro-batch is done again.
    last = max((checkpoint / "commits").glob("[0-9]*"), key=lambda path: int(path.name))
    last.unlink()
    stream.send(made([20]))
    once(stream)
    assert stream.candids() == [FIRST + i for i in range(21)]


def test_killed_and_started_again_the_stream_goes_on(stream):
    stream.send(made(range(50)))
    with stream.running("--max-offsets", "10") as process:
        stream.wait_for(10)
        kill(process)
    stream.send(made(range(50, 60)))
    with stream.running("--max-offsets", "10") as process:
        stream.wait_for(60)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=120) == 0
    assert stream.candids() == [FIRST + i for i in range(60)]


def test_the_published_networks_score_real_alerts_as_their_authors_did(
    spark, broker, tmp_path, data_dir
):
    warehouse = Warehouse(spark, str(tmp_path / "warehouse"))
    models = str(data_dir / "acai_oracle" / "models")
    import_models(["--warehouse", warehouse.root, "--folder", models])
    promote_models(["--warehouse", warehouse.root])
    broker.create_topic("real_alerts", 3)
    stream = AlertStream(warehouse, broker.bootstrap, "real_alerts")
    files = sorted((data_dir / "ztf_alerts").glob("packets_*/*.avro"))
    stream.send(file.read_bytes() for file in files)
    once(stream, "--no-stamps")
    assert stream.reasons() == []
    found = warehouse.read(SCORED_ALERTS).toPandas().set_index("candid")
    assert len(found) == len(files)
    reference = pd.read_parquet(data_dir / "ztf_alerts" / "reference_scores.parquet")
    expected = (
        reference.set_index("candid").loc[found.index].rename(columns={"braai_d6_m9": "braai"})
    )
    for label in ALERT_SCORES:
        # Null on both sides where the packet has no drb.
        np.testing.assert_allclose(
            found[label].astype(float), expected[label].astype(float), rtol=0, atol=1e-4,
            equal_nan=True, err_msg=label,
        )  # fmt: skip
    assert found["acai_h"].isna().sum() < 10 and found["braai"].notna().all()
