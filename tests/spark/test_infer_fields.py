import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from synthetic_features import feature_rows, toy_warehouse, write_features

from jobs.common.config import CONF
from jobs.infer_fields import main
from jobs.inference import score as scoring
from jobs.train_xgb import main as train
from jobs.training.warehouse_models import model_files
from models import store
from models.scorer import Scorer
from models.taxonomy import read_taxonomy
from udfs.errors import ContractError
from udfs.schemas import FEATURES, RUNS, scores_table

SCORES = scores_table(read_taxonomy(CONF / "labels.toml").scored)


@pytest.fixture(scope="module")
def toy(spark, tmp_path_factory):
    warehouse = toy_warehouse(spark, str(tmp_path_factory.mktemp("toy") / "warehouse"))
    train(["--warehouse", warehouse.root, "--resamples", "10", "--min-examples", "30"])
    return warehouse


@pytest.fixture(scope="module")
def scored(toy):
    """The toy survey with gaps in three rows, scored and exported."""
    rows = feature_rows()
    rows.loc[0, "stetson_k"] = np.nan  # all labels need it
    rows.loc[1, "period_ELS_ECE_EAOV"] = np.nan  # ontological labels need it
    rows.loc[4, "sw"] = np.inf
    write_features(toy, rows)
    export = toy.root + "-export"
    main(["--warehouse", toy.root, "--export", export])
    return rows, export


def scores_of(toy):
    return toy.read(SCORES).toPandas().set_index("_id").sort_index()


def test_scores_are_those_of_the_models_on_the_rows(toy, scored):
    rows, _ = scored
    models = store.load(model_files(toy), store.LATEST)
    expected = Scorer(models).score(rows).set_index(rows["source_id"])
    found = scores_of(toy)
    assert list(found.index) == sorted(rows["source_id"])
    for label in models.labels:
        np.testing.assert_array_equal(
            found[f"{label}_xgb"].to_numpy(np.float32), expected[label].loc[found.index]
        )
    assert set(found["model_version"]) == {models.version}
    unscored = [c for c in found if c.endswith(("_xgb", "_dnn"))
                and c not in ("rrab_xgb", "ea_xgb")]  # fmt: skip
    assert len(unscored) == 2 * 52 - 2 and found[unscored].isna().all().all()
    np.testing.assert_array_equal(
        found["period"].to_numpy(float),
        rows.set_index("source_id")["period_BEST"].loc[found.index].to_numpy(float),
    )


def test_gaps_give_null_where_a_label_needs_the_feature(toy, scored):
    rows, _ = scored
    table = toy.read(SCORES)
    ids = [int(i) for i in rows["source_id"].iloc[[0, 1, 4, 5]]]
    found = {r["_id"]: r for r in table.where(table["_id"].isin(ids)).collect()}
    known = [(found[i]["ea_xgb"] is not None, found[i]["rrab_xgb"] is not None) for i in ids]
    assert known == [(False, False), (True, False), (False, False), (True, True)]
    assert [found[i]["status"] for i in ids] == ["missing_features"] * 3 + ["ok"]


def test_done_fields_are_skipped_and_changed_ones_scored_again(toy, scored):
    rows, _ = scored
    before = toy.read(RUNS).where("job = 'infer_fields'").count()
    main(["--warehouse", toy.root])
    assert toy.read(RUNS).where("job = 'infer_fields'").count() == before
    changed = rows.copy()
    of_field_8 = changed["field"] == 8
    changed.loc[of_field_8, "input_hash"] += 10**6
    changed.loc[of_field_8, "skew"] = 0.0
    write_features(toy, changed)
    old = scores_of(toy)
    main(["--warehouse", toy.root])
    new = scores_of(toy)
    units = [r["unit"] for r in toy.read(RUNS).where("job = 'infer_fields'").collect()]
    assert sorted(units) == ["toy field 7", "toy field 8", "toy field 8"]
    same = (old["ea_xgb"] == new["ea_xgb"]) | (old["ea_xgb"].isna() & new["ea_xgb"].isna())
    assert same[new["field"] == 7].all() and not same[new["field"] == 8].all()
    write_features(toy, rows)
    main(["--warehouse", toy.root, "--fields", "8", "--survey", "toy"])


def test_export_has_scope_columns_rounded(toy, scored):
    rows, export = scored
    table = pq.read_table(f"{export}/toy/preds_xgb/field_7/field_7.parquet")
    assert table.column_names == [
        "_id", "obj_id", "Gaia_EDR3___id", "AllWISE___id", "PS1_DR1___id", "ra", "dec", "period",
        "field", "ccd", "quad", "filter", "ea_xgb", "rrab_xgb",
    ]  # fmt: skip
    told = json.loads(table.schema.metadata[b"scope"])
    assert told["total"] == table.num_rows == int((rows["field"] == 7).sum())
    frame = table.to_pandas().set_index("_id")
    assert (frame["Gaia_EDR3___id"] == 0).all()
    full = scores_of(toy).loc[frame.index, "ea_xgb"].to_numpy(np.float64)
    np.testing.assert_allclose(
        frame["ea_xgb"].to_numpy(np.float64),
        np.round(full, 2),
        rtol=1e-6,  # float32
    )


def test_batches_of_any_size_give_the_same_scores(spark, toy, scored, monkeypatch):
    models = store.load(model_files(toy), store.LATEST)
    shared = spark.sparkContext.broadcast(models)
    features = toy.read(FEATURES).where("field = 7")

    def scores(batch_rows):
        spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", batch_rows)
        found = scoring.with_scores(features, shared, scores=SCORES, code_version="x")
        return found.select("_id", "ea_xgb", "rrab_xgb").toPandas().sort_values("_id")

    before = spark.conf.get("spark.sql.execution.arrow.maxRecordsPerBatch")
    one, many = scores(10_000), scores(7)
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", before)
    np.testing.assert_array_equal(one.to_numpy(), many.to_numpy())


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--fields", "7,99"], "field 99 has no sources with features"),
        (["--survey", "nowhere"], "features table of survey nowhere has no sources"),
        (["--models", "v6"], "there are no models of version 'v6'"),
    ],
)
def test_bad_requests_are_answered_in_one_line(toy, scored, flags, message):
    with pytest.raises(ContractError, match=message) as error:
        main(["--warehouse", toy.root, *flags])
    assert "\n" not in str(error.value)


def test_features_of_another_mode_are_refused(toy, scored):
    rows, _ = scored
    write_features(toy, rows.assign(mode="scope-v0.9.5"))
    with pytest.raises(ContractError, match="mode 'fixed', the table has 'scope-v0.9.5'"):
        main(["--warehouse", toy.root])
    write_features(toy, rows)


def test_nothing_trained_yet_is_said(warehouse):
    with pytest.raises(ContractError, match="run train_xgb first"):
        main(["--warehouse", warehouse.root])
