import hashlib
import io
import json

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import functions as F
from sklearn.metrics import average_precision_score
from synthetic_features import CLASSES, feature_rows, toy_warehouse, write_features

from jobs.common.model_files import model_files
from jobs.common.registry_table import read_models
from jobs.train_xgb import main
from jobs.training import run
from models import store
from models.scorer import Scorer
from udfs.errors import ContractError
from udfs.schemas import LABELS, RUNS

FEW = ["--resamples", "20", "--min-examples", "30"]


def train(warehouse, *flags):
    """The set that was trained: the newest in the registry, or one that is there already."""
    main(["--warehouse", warehouse.root, *FEW, *flags])
    done = warehouse.read(RUNS).where("job = 'train_xgb'").orderBy(F.desc("finished"))
    return store.load(model_files(warehouse), "xgb", done.first()["unit"])


def predictions(warehouse, version):
    content = model_files(warehouse).read(f"xgb/{version}/predictions.parquet")
    return pd.read_parquet(io.BytesIO(content))


@pytest.fixture(scope="module")
def toy(spark, tmp_path_factory):
    return toy_warehouse(spark, str(tmp_path_factory.mktemp("toy") / "warehouse"))


@pytest.fixture(scope="module")
def trained(toy):
    return train(toy)


def test_leaves_and_their_ancestors_are_trained(trained):
    # ea and its ancestors have no counter-examples but for ea and e themselves: a star without
    # ea may still be periodic.
    assert trained.labels == ("ea", "rrab")
    assert trained.features_of("ea") == tuple(trained.manifest["features"]["phenomenological"])
    assert len(trained.features_of("rrab")) == 61
    assert trained.imputer.empty and "stetson_k" not in trained.imputer.empty


def test_models_tell_new_stars_apart(trained):
    new = feature_rows(seed=2)
    scores = Scorer([trained]).score(new)
    for label in ("rrab", "ea"):
        target = (new["class"] == label).to_numpy()
        # Means 5 apart with a spread of 1: a perfect classifier errs on less than 1 %.
        assert average_precision_score(target, scores[f"{label}_xgb"]) > 0.9
        assert average_precision_score(target, new[CLASSES[label]]) > 0.9


def test_test_part_is_apart_by_star_and_metrics_are_those_of_its_predictions(toy, trained):
    told = predictions(toy, trained.version)
    assert set(told["label"]) == {"rrab", "ea"}
    rows = feature_rows()
    metrics = json.loads(model_files(toy).read(f"xgb/{trained.version}/metrics.json"))
    for found in metrics:
        mine = told[told["label"] == found["label"]]
        assert (mine.groupby("object_id").size() == 2).all()
        truth = rows.set_index("source_id")["class"].loc[mine["source_id"]] == found["label"]
        assert (mine["target"] == truth.to_numpy()).all()
        assert found["average_precision"] == pytest.approx(
            average_precision_score(mine["target"], mine["score"])
        )
        counts = trained.manifest["labels"][found["label"]]["counts"]
        assert sum(counts["test"].values()) == len(mine) == found["light_curves"]
        assert sum(sum(c.values()) for c in counts.values()) == len(rows)
    # The stored models give the stored scores.
    mine = told[told["label"] == "rrab"]
    again = Scorer([trained]).score(rows.set_index("source_id").loc[mine["source_id"]])
    np.testing.assert_allclose(
        again["rrab_xgb"].to_numpy(),
        mine["score"].to_numpy(np.float32),
        atol=1e-6,  # sums of trees in single precision
    )


def test_training_twice_gives_the_same_set(toy, trained):
    again = train(toy)
    assert again.version == trained.version
    assert again.files == trained.files
    assert toy.read(RUNS).where("job = 'train_xgb'").count() == 2
    assert len([m for m in read_models(toy) if m.version == trained.version]) == 2


def test_trained_labels_are_candidates_with_what_made_them(toy, trained):
    of_set = {m.label: m for m in read_models(toy) if m.version == trained.version}
    assert list(of_set) == ["ea", "rrab"]
    metrics = json.loads(model_files(toy).read(f"xgb/{trained.version}/metrics.json"))
    for told in metrics:
        model = of_set[told["label"]]
        assert model.stage == "candidate" and model.promoted is None
        assert model.average_precision == told["average_precision"]
        assert model.metrics["roc_auc"] == told["roc_auc"]
        assert model.features == trained.features_of(model.label)
        content = model_files(toy).read(f"xgb/{trained.version}/{model.file}")
        assert model.checksums[model.file] == hashlib.sha256(content).hexdigest()
        assert set(model.checksums) == {model.file, "imputer.npz"}
    # Delta counts from 0: an empty table, then its rows.
    assert of_set["ea"].data_versions == {"features": 1, "labels": 1}


def test_scope_split_is_by_light_curve(toy, trained):
    models = train(toy, "--split", "light-curve", "--labels", "rrab")
    assert models.version != trained.version
    told = predictions(toy, models.version)
    assert len(told) == 72  # 10 % of 720, rounded up
    assert (told.groupby("object_id").size() == 1).any()


def test_large_labels_train_on_all_executors(toy, trained):
    models = train(toy, "--labels", "rrab,ea", "--distributed-above", "100")
    assert models.labels == ("ea", "rrab")
    told = predictions(toy, models.version)
    small = predictions(toy, trained.version)
    columns = ["label", "object_id", "source_id", "target"]
    pd.testing.assert_frame_equal(
        told[columns].astype({"target": "int32"}), small[columns].astype({"target": "int32"})
    )
    for label, mine in told.groupby("label"):
        other = small[small["label"] == label]
        assert average_precision_score(mine["target"], mine["score"]) == pytest.approx(
            average_precision_score(other["target"], other["score"]),
            abs=0.05,  # rows in another order draw other subsamples
        )
    gains = json.loads(model_files(toy).read(f"xgb/{models.version}/importances.json"))
    for label in ("rrab", "ea"):
        found = {name: told["gain"] for name, told in gains[label].items()}
        assert max(found, key=found.__getitem__) == CLASSES[label]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--labels", "rrabb"], "--labels: label 'rrabb' is not in .*did you mean 'rrab'"),
        (["--labels", "rrab,mir"], "label mir cannot be trained: no light curve has a yes or a no"),
        (["--labels", "puls"], "label puls cannot be trained: 0 negative light curves, 30 needed"),
        (["--min-examples", "9999"], "no label has 9999 light curves"),
        (["--surveys", "nowhere"], "no rows for these surveys"),
        (["--threshold", "1.5"], "--threshold 1.5"),
        (["--distributed-above", "10", "--split", "light-curve"], "can only be split by star"),
    ],
)
def test_what_cannot_be_trained_is_said_in_one_line(toy, trained, flags, message):
    before = (read_models(toy), model_files(toy).names("xgb"))
    with pytest.raises(ContractError, match=message) as error:
        train(toy, *flags)
    assert "\n" not in str(error.value)
    assert (read_models(toy), model_files(toy).names("xgb")) == before


def test_unknown_label_in_the_table_and_mixed_modes_are_refused(spark, tmp_path):
    warehouse = toy_warehouse(spark, str(tmp_path / "warehouse"))
    rows = feature_rows()
    write_features(warehouse, rows.assign(mode=["fixed", "scope-v0.9.5"] * 360))
    with pytest.raises(ContractError, match="two modes"):
        train(warehouse)
    write_features(warehouse, rows)
    extra = spark.createDataFrame([("toy", "star1_0001", "rrxx", 1.0, "x")], LABELS.schema)
    warehouse.append(extra, LABELS)
    with pytest.raises(ContractError, match="table labels: label 'rrxx' is not in"):
        train(warehouse)


def test_a_training_killed_before_its_registration_changes_nothing(toy, trained, monkeypatch):
    def killed(*_args, **_kwargs):
        raise KeyboardInterrupt

    before = read_models(toy)
    monkeypatch.setattr(run, "register", killed)
    with pytest.raises(KeyboardInterrupt):
        train(toy, "--seed", "7", "--labels", "ea")
    assert read_models(toy) == before
    monkeypatch.undo()
    again = train(toy, "--seed", "7", "--labels", "ea")
    assert [m.label for m in read_models(toy) if m.version == again.version] == ["ea"]
