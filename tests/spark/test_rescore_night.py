"""A night scored again: the same by the same models, and what changes with others."""

import math
import re

import numpy as np
import pandas as pd
import pytest
from made_alerts import packet, record
from made_models import save_alert_networks

from jobs.common.model_files import model_files
from jobs.common.tables import Warehouse
from jobs.import_models import main as import_models
from jobs.ingest_alerts import main as ingest_alerts
from jobs.promote_models import main as promote_models
from jobs.registry.register import register
from models.acai.scorer import AlertScorer
from models.store import load
from streaming import rescored
from streaming.enrich import with_anomaly, with_quality_cuts
from streaming.known import with_known_source
from streaming.rescore_night import main
from streaming.rescored import RESCORED_ALERTS
from streaming.score import score_messages
from streaming.scorers import scorer_source
from udfs.alert_schemas import ALERT_SCORES, ALERTS, KNOWN_SOURCES, SCORED_ALERTS
from udfs.alerts.light_curve import LIGHT_CURVE_FEATURES
from udfs.alerts.metadata import FEATURES, feature_matrix
from udfs.alerts.ztf import read_alerts
from udfs.errors import ContractError
from udfs.positions import HEALPIX_ORDER, cells_around

FIRST = 3_100_000_000_000_000_001  # float64 cannot hold it
NIGHT = 60100
STREAMED, FROM_FILES, WITHOUT_STAMPS, NEXT_NIGHT = range(12), range(12, 15), range(15, 17), [20, 21]
NO_DRB = 5


def alert(i):
    night = NIGHT + (i in NEXT_NIGHT)
    drb = {"drb": None} if i == NO_DRB else {}
    return packet(record(FIRST + i, jd=night + 2_400_000.75, ra=10.0 + i, **drb))


def direct_scores(networks, numbers):
    """Label -> (n,) scores, without Spark or tables."""
    alerts = read_alerts([alert(i) for i in numbers])
    features = {n: alerts.packets.numbers[f"candidate.{n}"] for n in FEATURES}
    return networks.score(feature_matrix(features), alerts.images)


def networks_of(warehouse, versions):
    files = model_files(warehouse)
    return AlertScorer([load(files, *s) for s in zip(("acai", "braai"), versions, strict=True)])


@pytest.fixture(scope="module")
def world(spark, tmp_path_factory):
    """Two nights of a stream, files of the first, models in production, and others that are not."""
    root = tmp_path_factory.mktemp("rescored")
    warehouse = Warehouse(spark, str(root / "warehouse"))
    old = save_alert_networks(model_files(warehouse), seed=3)
    for algorithm, version in zip(("acai", "braai"), old, strict=True):
        register(warehouse, algorithm, version, data_versions={})
    promote_models(["--warehouse", warehouse.root])
    new = save_alert_networks(model_files(warehouse), seed=4)

    numbers = [*STREAMED, *WITHOUT_STAMPS, *NEXT_NIGHT]
    messages = spark.createDataFrame(
        [("ztf", 0, i, alert(i)) for i in numbers],
        "topic string, partition int, offset long, value binary",
    ).selectExpr("*", "timestamp '2026-01-01 05:00:00' AS timestamp")
    sets = [load(model_files(warehouse), *s) for s in zip(("acai", "braai"), old, strict=True)]
    scorer = scorer_source(spark.sparkContext.broadcast(sets), "of the test")
    rows = score_messages(messages, scorer, code_version="before").persist()
    enriched = with_known_source(with_anomaly(with_quality_cuts(rows)), None)
    warehouse.append(enriched.select(*SCORED_ALERTS.schema.names), SCORED_ALERTS)
    kept = rows.where(f"candid - {FIRST} NOT IN (15, 16)").selectExpr("*", "'x' AS input_file")
    warehouse.append(kept.select(*ALERTS.schema.names), ALERTS)
    (root / "files").mkdir()
    for i in FROM_FILES:
        (root / "files" / f"{i}.avro").write_bytes(alert(i))
    ingest_alerts(["--warehouse", warehouse.root, "--input", str(root / "files")])
    return warehouse, root, old, new


def rescore(world, *more, filters=None):
    warehouse, root, *_ = world
    folder = root / "filters"
    folder.mkdir(exist_ok=True)
    for path in folder.glob("*.toml"):
        path.unlink()
    for name, where in (filters or {}).items():
        (folder / f"{name}.toml").write_text(f'about = "a test"\nwhere = "{where}"\n')
    main(["--warehouse", warehouse.root, "--output", str(root / "pages"), "--filters", str(folder),
          *more])  # fmt: skip
    return {row["candid"] - FIRST: row for row in warehouse.read(RESCORED_ALERTS).collect()}


def text_of(world, name=str(NIGHT)):
    html = (world[1] / "pages" / f"rescored_{name}.html").read_text()
    return html, re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", html))


def same(one, other):
    """Equal, NaN to NaN, in lists as well."""
    np.testing.assert_equal(one, other)


def test_the_same_models_say_the_same(world, caplog):
    caplog.set_level("INFO")
    warehouse = world[0]
    found = rescore(world, "--nights", f"{NIGHT + 1},{NIGHT}")
    assert sorted(found) == [*STREAMED, *FROM_FILES, *NEXT_NIGHT]
    stored = {row["candid"] - FIRST: row for row in warehouse.read(SCORED_ALERTS).collect()}
    for i in (*STREAMED, *NEXT_NIGHT):
        now, before = found[i].asDict(), stored[i].asDict()
        assert before.pop("code_version") == "before" != now.pop("code_version")
        for name, value in before.items():
            if name in ALERT_SCORES and value is not None:
                # Other neighbours in a batch change the last digit.
                assert now[name] == pytest.approx(value, abs=1e-6)
            else:
                same(now[name], value)
    assert found[NO_DRB]["acai_h"] is None and found[NO_DRB]["braai"] is not None
    assert "17 in = 15 rescored (12 of the stream, 3 of files only) + 2 without" in caplog.text
    assert "2 in = 2 rescored (2 of the stream, 0 of files only) + 0 without" in caplog.text
    assert "2 nights, alerts: 19 in = 17 rescored (14 of" in caplog.text
    html, text = text_of(world, f"{NIGHT}_{NIGHT + 1}")
    assert "Of 79 scores that the stream had given, 0 crossed" in text
    assert html.count("<figure") == 1


def test_alerts_of_files_are_scored_and_have_nothing_of_the_stream(world):
    warehouse, _, old, _ = world
    found = rescore(world, "--nights", str(NIGHT))
    scores = direct_scores(networks_of(warehouse, old), FROM_FILES)
    for place, i in enumerate(FROM_FILES):
        for label in ALERT_SCORES:
            assert found[i][label] == pytest.approx(scores[label][place], abs=1e-6)
        assert found[i]["magpsf"] == np.float32(record(FIRST + i)["candidate"]["magpsf"])
        for name in ("topic", "offset", "prv_jd", "magap", "cut_elong", LIGHT_CURVE_FEATURES[0]):
            assert found[i][name] is None


def test_other_models_are_compared_label_by_label(world):
    warehouse, _, old, new = world
    names = [f"acai-{new[0]}", f"braai-{new[1]}"]
    before = direct_scores(networks_of(warehouse, old), STREAMED)
    now = direct_scores(networks_of(warehouse, new), STREAMED)
    middle = float(np.nanmedian(np.concatenate([before["acai_h"], now["acai_h"]])))
    filters = {"bright": f"acai_h > {middle!r}D", "never": "acai_h > 2"}
    found = rescore(world, "--nights", str(NIGHT), "--models", ",".join(names), "--top", "3",
                    filters=filters)  # fmt: skip
    assert {row["model_version"] for i, row in found.items() if i not in NEXT_NIGHT} == {
        ",".join(names)
    }
    for label in ALERT_SCORES:
        mine = [found[i][label] for i in STREAMED]
        same(np.isnan(now[label]).tolist(), [score is None for score in mine])
        np.testing.assert_allclose(
            [math.nan if score is None else score for score in mine], now[label], atol=1e-6
        )
    _, text = text_of(world)
    for label in ALERT_SCORES:
        one, other = before[label], now[label]
        both = np.isfinite(one) & np.isfinite(other)
        mean = np.abs(one - other)[both].mean()
        up = np.count_nonzero((one <= 0.5) & (other > 0.5))
        down = np.count_nonzero((one > 0.5) & (other <= 0.5))
        gained = len(FROM_FILES)
        row = f"{label} 0.50 {both.sum()} {mean:.4f} {up} {down} {gained} 0"
        assert row in text
        order = np.argsort(-np.abs(np.where(both, one - other, 0)), kind="stable")[:3]
        listed = re.findall(rf"{label} (ZTF\S+) (\d+) {NIGHT} (\S+) (\S+) \S+ (\S+) (\S+)", text)
        assert [int(m[1]) - FIRST for m in listed] == order.tolist()
        algorithm = label.partition("_")[0]
        assert listed[0][2:] == (
            f"{one[order[0]]:.3f}", f"{other[order[0]]:.3f}",
            f"{algorithm}-{old[algorithm == 'braai']}", f"{algorithm}-{new[algorithm == 'braai']}",
        )  # fmt: skip
    # Alerts that were read from files pass a filter for the first time.
    every = direct_scores(networks_of(warehouse, new), [*STREAMED, *FROM_FILES])["acai_h"]
    was = {i for i in STREAMED if before["acai_h"][i] > middle}
    is_ = {i for i, score in enumerate(every) if score > middle}
    assert was - is_ or is_ - was
    assert f"bright {len(was)} {len(is_)} {len(is_ - was)} {len(was - is_)}" in text
    for told, alerts in (("new", is_ - was), ("gone", was - is_)):
        listed = re.findall(rf"bright {told} ZTF\S+ (\d+)", text)
        assert [int(c) - FIRST for c in listed] == sorted(alerts)[:3]


def test_labels_that_the_named_sets_lack_are_scored_by_those_in_production(world):
    warehouse, _, old, new = world
    found = rescore(world, "--nights", str(NIGHT), "--models", f"acai-{new[0]}")
    assert found[0]["model_version"] == f"acai-{new[0]},braai-{old[1]}"
    before = direct_scores(networks_of(warehouse, old), STREAMED)["braai"]
    assert [found[i]["braai"] for i in STREAMED] == pytest.approx(before.tolist(), abs=1e-6)


def test_each_run_replaces_its_nights_only(world):
    _, _, old, new = world
    rescore(world, "--nights", "all")
    found = rescore(world, "--nights", str(NIGHT), "--models", f"acai-{new[0]}")
    assert sorted(found) == [*STREAMED, *FROM_FILES, *NEXT_NIGHT]
    assert {found[i]["model_version"].split(",")[0] for i in STREAMED} == {f"acai-{new[0]}"}
    assert {found[i]["model_version"].split(",")[0] for i in NEXT_NIGHT} == {f"acai-{old[0]}"}


def test_known_stars_are_those_of_today(world, monkeypatch):
    warehouse = world[0]
    monkeypatch.setattr(rescored, "LOOKED_UP", 4)
    stars = []
    for i in (0, 7, 13):
        at = int(cells_around(np.array([10.0 + i]), np.array([-5.0]), order=HEALPIX_ORDER)[0, 4])
        stars.append((at >> 2 * (HEALPIX_ORDER - 4), at, "ztf", f"star{i}", 10.0 + i, -5.0, 0.5,
                      0.3, {"rrlyr": 0.75}, "xgb-1"))  # fmt: skip
    warehouse.append(warehouse.spark.createDataFrame(stars, KNOWN_SOURCES.schema), KNOWN_SOURCES)
    where = "known_labels['rrlyr'] > 0.7"
    found = rescore(world, "--nights", str(NIGHT), filters={"rr": where})
    named = {i: row["known_object_id"] for i, row in found.items() if row["known_object_id"]}
    assert named == {0: "star0", 7: "star7", 13: "star13"}
    assert len(found) == 17 and "rr 0 3 3 0" in text_of(world)[1]


def test_what_cannot_be_done_is_said_before_anything_is(world, spark, tmp_path):
    warehouse, _, old, new = world
    with pytest.raises(ContractError, match="night 60099 has no alerts with stamps in the table"):
        rescore(world, "--nights", f"{NIGHT},60099")
    with pytest.raises(ContractError, match="acai-[0-9a-f]+ both score acai_h; name one of them"):
        rescore(world, "--nights", str(NIGHT), "--models", f"acai-{old[0]},acai-{new[0]}")
    with pytest.raises(ContractError, match="no models 'acai-000000000000'"):
        rescore(world, "--nights", str(NIGHT), "--models", "acai-000000000000")
    empty = Warehouse(spark, str(tmp_path / "empty"))
    argv = ["--warehouse", empty.root, "--nights", str(NIGHT)]
    with pytest.raises(ContractError, match="run the job that writes 'alerts' first"):
        main(argv)
    kept = warehouse.read(ALERTS).where(f"night = {NIGHT}")
    empty.append(kept, ALERTS)
    with pytest.raises(ContractError, match="no model of acai or braai is in production"):
        main(argv)
    assert not empty.exists(RESCORED_ALERTS)


def test_without_a_stream_there_is_nothing_to_compare(world, spark, tmp_path):
    warehouse, root, _, new = world
    other = Warehouse(spark, str(tmp_path / "other"))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "models").symlink_to(root / "warehouse" / "models")
    other.append(warehouse.read(ALERTS).where(f"night = {NIGHT}"), ALERTS)
    sets = f"acai-{new[0]},braai-{new[1]}"
    main(["--warehouse", other.root, "--nights", str(NIGHT), "--models", sets])
    assert other.read(RESCORED_ALERTS).where("acai_h IS NOT NULL").count() == 14
    text = (tmp_path / "other" / "reports" / f"rescored_{NIGHT}.html").read_text()
    assert "there is nothing to compare with" in text and "<figure" not in text


@pytest.mark.data
def test_real_nights_get_their_reference_scores(warehouse, data_dir, tmp_path):
    alerts = data_dir / "ztf_alerts"
    argv = ["--warehouse", warehouse.root]
    ingest_alerts([*argv, "--input", str(alerts / "packets_raw"),
                   str(alerts / "packets_reencoded")])  # fmt: skip
    import_models([*argv, "--folder", str(data_dir / "acai_oracle" / "models")])
    promote_models(argv)
    by_night = warehouse.read(ALERTS).groupBy("night").count().orderBy("count", ascending=False)
    nights = [row["night"] for row in by_night.take(2)]
    main([*argv, "--nights", ",".join(map(str, nights)), "--output", str(tmp_path)])
    found = warehouse.read(RESCORED_ALERTS).select("candid", *ALERT_SCORES).toPandas()
    reference = pd.read_parquet(alerts / "reference_scores.parquet").set_index("candid")
    expected = reference.loc[found["candid"]]
    assert len(found) == sum(row["count"] for row in by_night.take(2)) > 20
    for label in ALERT_SCORES:
        of = "braai_d6_m9" if label == "braai" else label
        # Single precision, other libraries.
        np.testing.assert_allclose(found[label], expected[of], rtol=0, atol=1e-4)
