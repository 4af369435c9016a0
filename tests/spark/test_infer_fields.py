import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from made_models import images, save_networks, save_trees
from synthetic_features import feature_rows, write_features

from jobs.common.config import CONF
from jobs.common.model_files import model_files
from jobs.common.production import load_production
from jobs.common.registry_table import delta_versions
from jobs.common.tables import Warehouse
from jobs.infer_fields import main
from jobs.inference import score as scoring
from jobs.promote_models import main as promote
from jobs.registry.register import register
from models.scorer import Scorer
from models.taxonomy import read_taxonomy
from udfs.errors import ContractError
from udfs.schemas import EXPLANATIONS, FEATURES, RUNS, scores_table

SCORES = scores_table(read_taxonomy(CONF / "labels.toml").scored)
OUTPUTS = ["ea_dnn", "rrab_dnn", "ea_xgb", "rrab_xgb"]


@pytest.fixture(scope="module")
def rows():
    """The toy survey with gaps in four rows."""
    found = feature_rows(60)
    found["dmdt"] = list(images(len(found)).reshape(len(found), -1).tolist())
    found.loc[0, "stetson_k"] = np.nan  # all labels need it
    found.loc[1, "period_ELS_ECE_EAOV"] = np.nan  # ontological labels need it
    found.loc[4, "sw"] = np.inf
    found.at[5, "dmdt"] = None  # networks need it
    return found


@pytest.fixture(scope="module")
def toy(spark, rows, tmp_path_factory):
    """Features, and trees and networks in production."""
    warehouse = Warehouse(spark, str(tmp_path_factory.mktemp("toy") / "warehouse"))
    write_features(warehouse, rows)
    complete = rows.iloc[6:]
    data_versions = delta_versions(warehouse, [FEATURES])
    for algorithm, save in (("xgb", save_trees), ("dnn", save_networks)):
        version = save(model_files(warehouse), complete)
        register(warehouse, algorithm, version, data_versions=data_versions)
    promote(["--warehouse", warehouse.root])
    return warehouse


@pytest.fixture(scope="module")
def models(toy):
    return load_production(toy, ["xgb", "dnn"])


@pytest.fixture(scope="module")
def scored(toy):
    """The folder of the exports."""
    export = toy.root + "-export"
    main(["--warehouse", toy.root, "--export", export])
    return export


def scores_of(toy):
    return toy.read(SCORES).toPandas().set_index("_id").sort_index()


def pixels_of(rows):
    found = np.full((len(rows), 26, 26, 1), np.nan, dtype=np.float32)
    for i, image in enumerate(rows["dmdt"]):
        if image is not None:
            found[i] = np.reshape(image, (26, 26, 1))
    return found


def test_scores_of_trees_and_networks_are_those_of_the_models(toy, rows, models, scored):
    expected = Scorer(models).score(rows, pixels_of(rows)).set_index(rows["source_id"])
    found = scores_of(toy)
    assert list(found.index) == sorted(rows["source_id"])
    for name in OUTPUTS:
        np.testing.assert_allclose(
            found[name].to_numpy(np.float32), expected[name].loc[found.index], atol=1e-6
        )
    assert set(found["model_version"]) == {",".join(sorted(each.name for each in models))}
    assert found["model_version"].iloc[0].startswith("dnn-")
    others = [c for c in found if c.endswith(("_xgb", "_dnn")) and c not in OUTPUTS]
    assert len(others) == 2 * 52 - 4 and found[others].isna().all().all()
    np.testing.assert_array_equal(
        found["period"].to_numpy(float),
        rows.set_index("source_id")["period_BEST"].loc[found.index].to_numpy(float),
    )


def test_gaps_give_null_where_a_label_needs_the_feature(toy, rows, scored):
    table = toy.read(SCORES)
    ids = [int(i) for i in rows["source_id"].iloc[[0, 1, 4, 5, 6]]]
    found = {r["_id"]: r for r in table.where(table["_id"].isin(ids)).collect()}
    known = [[found[i][name] is not None for name in OUTPUTS] for i in ids]
    assert known == [
        [False] * 4, [False, False, True, False], [False] * 4, [False, False, True, True],
        [True] * 4,
    ]  # fmt: skip
    assert [found[i]["status"] for i in ids] == ["missing_features"] * 4 + ["ok"]


def test_done_fields_are_skipped_and_changed_ones_scored_again(toy, rows, scored):
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


def test_export_has_scope_columns_rounded(toy, rows, scored):
    table = pq.read_table(f"{scored}/toy/preds_dnn_xgb/field_7/field_7.parquet")
    assert table.column_names == [
        "_id", "obj_id", "Gaia_EDR3___id", "AllWISE___id", "PS1_DR1___id", "ra", "dec", "period",
        "field", "ccd", "quad", "filter", *OUTPUTS,
    ]  # fmt: skip
    told = json.loads(table.schema.metadata[b"scope"])
    assert told["total"] == table.num_rows == int((rows["field"] == 7).sum())
    assert told["dnn_models"] == told["xgb_models"] == ["ea", "rrab"]
    frame = table.to_pandas().set_index("_id")
    assert (frame["Gaia_EDR3___id"] == 0).all()
    for name in ("ea_xgb", "rrab_dnn"):
        full = scores_of(toy).loc[frame.index, name].to_numpy(np.float64)
        np.testing.assert_allclose(
            frame[name].to_numpy(np.float64),
            np.round(full, 2),
            rtol=1e-6,  # float32
        )


def test_batches_of_any_size_give_the_same_scores(spark, toy, models, scored):
    shared = spark.sparkContext.broadcast(models)
    features = toy.read(FEATURES).where("field = 7")

    def scores(batch_rows):
        spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", batch_rows)
        found = scoring.with_scores(features, shared, scores=SCORES, code_version="x")
        return found.select("_id", *OUTPUTS).toPandas().sort_values("_id")

    before = spark.conf.get("spark.sql.execution.arrow.maxRecordsPerBatch")
    one, many = scores(10_000), scores(7)
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", before)
    np.testing.assert_array_equal(one.to_numpy(), many.to_numpy())


def test_explanations_add_up_to_the_scores_and_come_on_request_alone(toy, rows, scored):
    assert not toy.exists(EXPLANATIONS)
    flags = ["--warehouse", toy.root, "--fields", "7", "--explain", "ea"]
    main([*flags, "--explain-above", "0.5"])
    main([*flags, "--explain-above", "0.5"])
    found = toy.read(EXPLANATIONS).collect()
    scores = scores_of(toy)
    high = scores[(scores["ea_xgb"] > 0.5) & (scores["field"] == 7)]
    assert sorted(r["_id"] for r in found) == list(high.index) and len(high) > 5
    for row in found:
        assert len(row["contributions"]) == 35 and row["label"] == "ea"
        margin = row["bias"] + sum(row["contributions"].values())
        assert 1 / (1 + np.exp(-margin)) == pytest.approx(high.loc[row["_id"], "ea_xgb"], abs=1e-5)
    skew = rows.set_index("source_id")["skew"].to_dict()
    of_skew = {r["_id"]: r["contributions"]["skew"] for r in found}
    high = [share for i, share in of_skew.items() if skew[i] > 0]
    low = [share for i, share in of_skew.items() if skew[i] < 0]
    assert min(high) > max(low)
    # The second call found it done.
    assert toy.read(RUNS).where("unit LIKE '%explained%'").count() == 1


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--fields", "7,99"], "field 99 has no sources with features"),
        (["--survey", "nowhere"], "features table of survey nowhere has no sources"),
        (["--models", "v6"], "'v6' names no models; expected ALGORITHM-VERSION"),
        (["--models", "xgb-v6"], "there are no models 'xgb-v6'"),
        (["--models", "acai-v6"], "--models acai-v6: this job scores with .*, not with acai$"),
        (["--explain", "eaa"], "--explain: label 'eaa' is not in .*did you mean 'ea'"),
        (["--explain", "ew"], "--explain ew: none of the models has XGBoost trees for it"),
    ],
)
def test_bad_requests_are_answered_in_one_line(toy, scored, flags, message):
    with pytest.raises(ContractError, match=message) as error:
        main(["--warehouse", toy.root, *flags])
    assert "\n" not in str(error.value)


def test_one_set_asked_for_by_name_scores_alone(toy, models, scored):
    (trees,) = [each.name for each in models if each.algorithm == "xgb"]
    main(["--warehouse", toy.root, "--models", trees, "--fields", "8"])
    found = scores_of(toy)
    alone = found[found["field"] == 8]
    assert set(alone["model_version"]) == {trees}
    assert alone["ea_dnn"].isna().all() and alone["ea_xgb"].notna().any()
    main(["--warehouse", toy.root, "--fields", "8"])


def test_features_of_another_mode_are_refused(toy, rows, scored):
    write_features(toy, rows.assign(mode="scope-v0.9.5"))
    with pytest.raises(ContractError, match="mode 'fixed', the table has 'scope-v0.9.5'"):
        main(["--warehouse", toy.root])
    write_features(toy, rows)


def test_a_damaged_model_in_production_stops_before_anything_is_written(toy, models, scored):
    files = model_files(toy)
    (network,) = [each for each in models if each.algorithm == "dnn"]
    path = f"dnn/{network.version}/multi.npz"
    files.write(path, b"broken")
    before = delta_versions(toy, [SCORES])
    with pytest.raises(ContractError, match="multi.npz is damaged: its SHA-256 is .* expected"):
        main(["--warehouse", toy.root, "--force"])
    assert delta_versions(toy, [SCORES]) == before
    files.write(path, network.files["multi.npz"])


def test_a_registry_without_a_production_model_is_said(warehouse):
    with pytest.raises(ContractError, match="in production: .*train_xgb .* run promote_models"):
        main(["--warehouse", warehouse.root])
