"""Stacks of networks and trees, from training to the table of scores."""

import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression
from synthetic_features import feature_rows, write_features, write_labels

from jobs.common.config import CONF
from jobs.common.model_files import model_files
from jobs.common.production import load_production
from jobs.common.registry_table import read_models
from jobs.common.tables import Warehouse
from jobs.infer_fields import main as infer
from jobs.promote_models import main as promote
from jobs.report import main as report
from jobs.train_dnn import main as train_dnn
from jobs.train_stack import main
from jobs.train_xgb import main as train_xgb
from jobs.training.stack import together
from models import store
from models.evaluation.stacking import logits
from models.taxonomy import read_taxonomy
from udfs.errors import ContractError
from udfs.schemas import scores_table

FEW = ["--resamples", "20", "--min-examples", "20"]
NETWORKS = ["--networks", "multi", "--epochs", "6", "--learning-rate", "3e-3", "--members", "1"]
SCORES = scores_table(read_taxonomy(CONF / "labels.toml").scored)


def newest(warehouse, algorithm):
    rows = [m for m in read_models(warehouse) if m.algorithm == algorithm]
    return max(rows, key=lambda m: m.created).set_name


@pytest.fixture(scope="module")
def taught(spark, tmp_path_factory):
    """Networks and trees as candidates; the features that tell are blurred."""
    warehouse = Warehouse(spark, str(tmp_path_factory.mktemp("taught") / "warehouse"))
    rows = feature_rows(1200)
    rng = np.random.default_rng(5)
    rows[["stetson_k", "skew"]] += rng.normal(scale=2.5, size=(len(rows), 2))
    rows["dmdt"] = [rng.random(676).astype(np.float32).tolist() for _ in range(len(rows))]
    write_features(warehouse, rows)
    write_labels(warehouse, rows)
    train_xgb(["--warehouse", warehouse.root, *FEW, "--max-rounds", "30"])
    train_dnn(["--warehouse", warehouse.root, *FEW, *NETWORKS])
    return warehouse


@pytest.fixture
def toy(taught, tmp_path):
    """A copy that a test can change."""
    shutil.copytree(taught.root, tmp_path / "warehouse")
    return Warehouse(taught.spark, str(tmp_path / "warehouse"))


def test_a_stack_goes_from_the_validation_part_to_the_table_of_scores(toy, caplog):
    with caplog.at_level(logging.INFO):
        main(["--warehouse", toy.root, *FEW[:2]])
    told = [r.getMessage() for r in caplog.records if "average precision: stack" in r.getMessage()]
    assert [line.split()[0] for line in told] == ["label=ea", "label=rrab", "mean"]
    name = newest(toy, "stack")
    stacks = store.load(model_files(toy), *store.split_name(name))
    assert stacks.features_of("ea") == (newest(toy, "dnn"), newest(toy, "xgb"))

    promote(["--warehouse", toy.root])
    for model in [m for m in read_models(toy) if m.algorithm == "stack"]:
        alone = [model.metrics[f"average_precision_{kind}"] for kind in ("dnn", "xgb")]
        wins = model.average_precision >= max(alone)
        assert model.stage == ("production" if wins else "candidate")
    promote(["--warehouse", toy.root, "--force", "--reason", "a test"])
    infer(["--warehouse", toy.root])
    scores = toy.read(SCORES).toPandas()
    assert scores["status"].eq("ok").all() and scores["ea_stack"].notna().all()
    assert set(scores["model_version"].iloc[0].split(",")) == {
        newest(toy, "dnn"), name, newest(toy, "xgb"),
    }  # fmt: skip
    # Another logistic regression on the same logits orders the stars nearly alike.
    truth = feature_rows(1200).set_index("source_id")["class"].eq("ea")
    target = truth.loc[scores["_id"]].to_numpy()
    both = logits(scores[["ea_dnn", "ea_xgb"]].to_numpy())
    plain = LogisticRegression().fit(both, target).predict_proba(both)[:, 1]
    assert spearmanr(plain, scores["ea_stack"]).statistic > 0.95

    report(["--warehouse", toy.root, "--models", name])
    (page,) = Path(toy.root).rglob(f"training_{name}.html")
    assert "Combines" in page.read_text()


def test_a_stack_leaves_with_the_models_that_it_combines(toy, caplog):
    main(["--warehouse", toy.root, *FEW[:2]])
    promote(["--warehouse", toy.root, "--algorithm", "stack"])
    assert not [m for m in read_models(toy) if m.stage == "production"]
    assert f"it combines {newest(toy, 'dnn')}, which is not in production" in caplog.text
    promote(["--warehouse", toy.root, "--force", "--reason", "a test"])
    assert len(load_production(toy, store.OF_LIGHT_CURVES)) == 3

    train_xgb(["--warehouse", toy.root, *FEW, "--max-rounds", "20", "--labels", "ea"])
    forced = ["--algorithm", "xgb", "--force", "--reason", "a test"]
    promote(["--warehouse", toy.root, *forced])
    sets = {each.algorithm: each.labels for each in load_production(toy, store.OF_LIGHT_CURVES)}
    assert sets["stack"] == ("rrab",)
    assert f"ea of {newest(toy, 'stack')} does not score: it combines xgb-" in caplog.text
    promote(["--warehouse", toy.root, "--algorithm", "xgb", "--rollback"])
    sets = {each.algorithm: each.labels for each in load_production(toy, store.OF_LIGHT_CURVES)}
    assert sets["stack"] == ("ea", "rrab")


def test_sets_that_did_not_learn_from_the_same_examples_are_refused(toy):
    train_xgb(["--warehouse", toy.root, *FEW, "--max-rounds", "5", "--seed", "7"])
    with pytest.raises(ContractError, match=r"cannot be combined: their seed are 42 and 7"):
        main(["--warehouse", toy.root])
    with pytest.raises(ContractError, match=r"no registered set of dnn models among xgb-1"):
        main(["--warehouse", toy.root, "--models", "xgb-1"])
    with pytest.raises(ContractError, match=r"label dscu cannot be trained: the validation part"):
        models = f"{newest(toy, 'dnn')},{first(toy, 'xgb')}"
        main(["--warehouse", toy.root, "--models", models, "--labels", "dscu"])


def first(warehouse, algorithm):
    rows = [m for m in read_models(warehouse) if m.algorithm == algorithm]
    return min(rows, key=lambda m: m.created).set_name


def test_answers_that_differ_and_curves_that_cannot_be_told_apart(caplog):
    rows = feature_rows(4)[["survey", "object_id", "source_id"]].assign(label="ea", target=0)
    one, other = rows.assign(dnn=0.5), rows.assign(xgb=0.25)
    assert together(one, other)[["dnn", "xgb"]].to_numpy().tolist() == [[0.5, 0.25]] * 8
    one.loc[1, "source_id"] = one.loc[0, "source_id"]
    assert len(together(one, other)) == 6
    assert "2 scores left out" in caplog.text
    with pytest.raises(ContractError, match="ea of star1_0003 is 0 in one and 1 in the other"):
        together(one, other.assign(target=[0] * 7 + [1]))
