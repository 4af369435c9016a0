from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models import store
from models.feature_sets import read_feature_sets
from models.label_training import Plan, parts_of, prepare, train_label, why_untrainable
from models.scorer import OK, Scorer
from models.splits import TEST, TRAIN, VALIDATION
from models.taxonomy import read_taxonomy
from models.training_set import build_training_set, known_labels
from models.xgb import Settings
from udfs.errors import ContractError

CONF = Path(__file__).resolve().parents[2] / "conf"
TAXONOMY = read_taxonomy(CONF / "labels.toml")
SETS = read_feature_sets(CONF / "features.toml")
PLAN = Plan(Settings(), min_examples=5, resamples=10)


def said(*rows):
    return pd.DataFrame(
        [("s", star, label, p) for star, label, p in rows],
        columns=["survey", "object_id", "label", "probability"],
    )


def light_curves(n, seed=1):
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame(rng.normal(size=(n, 61)), columns=list(SETS.ontological))
    return rows.assign(
        survey="s", object_id=[f"o{i:03d}" for i in range(n)], source_id=range(n), filter=1
    )


def test_labels_are_filled_and_unknown_ones_stay_unknown():
    known = known_labels(
        said(("a", "rrab", 1.0), ("a", "e", 0.0), ("b", "ea", 0.75), ("b", "e", 0.25)), TAXONOMY
    )
    a, b = known.loc[("s", "a")], known.loc[("s", "b")]
    assert a[["rrab", "rrlyr", "puls", "e"]].tolist() == [1, 1, 1, 0]
    assert np.isnan(a[["rrc", "ea", "vnv"]].astype(float)).all()
    assert b[["ea", "e", "pnp", "vnv"]].tolist() == [0.75] * 4


def test_two_origins_count_by_the_higher_probability():
    known = known_labels(said(("a", "cv", 0.0), ("a", "cv", 0.75)), TAXONOMY)
    assert known.loc[("s", "a"), "cv"] == 0.75


@pytest.mark.parametrize(
    ("probability", "target"), [(0.0, 0), (0.5, 0), (0.75, 1), (1.0, 1), (None, -1)]
)
def test_positive_is_above_seven_tenths(probability, target):
    stars = said(("o000", "cv", probability), ("o001", "cv", 1.0))
    data = build_training_set(
        light_curves(2), known_labels(stars.dropna(), TAXONOMY), taxonomy=TAXONOMY, sets=SETS
    )
    assert data.targets["cv"][data.object_id == "o000"].tolist() == (
        [] if probability is None else [target]
    )


def test_only_constant_stars_are_counter_examples_for_variable():
    stars = said(("o000", "rrab", 1.0), ("o001", "vnv", 0.0), ("o002", "nonvar", 1.0),
                 ("o003", "pnp", 1.0))  # fmt: skip
    data = build_training_set(
        light_curves(5), known_labels(stars, TAXONOMY), taxonomy=TAXONOMY, sets=SETS
    )
    assert dict(zip(data.object_id, data.targets["vnv"].tolist(), strict=True)) == {
        "o000": -1, "o001": -1, "o002": 0, "o003": 1,
    }  # fmt: skip


def test_rows_come_sorted_whatever_their_order():
    stars = said(*[(f"o{i:03d}", "cv", float(i % 2)) for i in range(20)])
    known, rows = known_labels(stars, TAXONOMY), light_curves(20)
    one = build_training_set(rows, known, taxonomy=TAXONOMY, sets=SETS)
    two = build_training_set(rows.sample(frac=1, random_state=1), known, taxonomy=TAXONOMY,
                             sets=SETS)  # fmt: skip
    np.testing.assert_array_equal(one.matrix, two.matrix)
    np.testing.assert_array_equal(one.targets["cv"], two.targets["cv"])


def test_labels_without_features_are_an_error():
    known = known_labels(said(("elsewhere", "cv", 1.0)), TAXONOMY)
    with pytest.raises(ContractError, match="none of the 3 light curves has a label"):
        build_training_set(light_curves(3), known, taxonomy=TAXONOMY, sets=SETS)


@pytest.fixture(scope="module")
def prepared():
    """200 stars: cv follows stetson_k (35 features), rrab is rrlyr and follows the period."""
    rows = light_curves(200)
    is_cv = rows["stetson_k"] > 0
    is_rrab = rows["period_ELS_ECE_EAOV"] > 0
    stars = said(
        *[(o, "cv", float(v)) for o, v in zip(rows["object_id"], is_cv, strict=True)],
        *[(o, "rrab", float(v)) for o, v in zip(rows["object_id"], is_rrab, strict=True)],
        *[(o, "e", float(v)) for o, v in zip(rows["object_id"], is_cv, strict=True)],
    )
    rows.loc[3, "period_ELS_ECE_EAOV"] = np.nan
    data = build_training_set(rows, known_labels(stars, TAXONOMY), taxonomy=TAXONOMY, sets=SETS)
    part = np.array([TRAIN] * 7 + [VALIDATION, VALIDATION, TEST])[np.arange(200) % 10]
    return prepare(data, part.astype(np.int8), sets=SETS, taxonomy=TAXONOMY, plan=PLAN)


def test_imputer_is_fitted_on_the_training_part_alone(prepared):
    _, imputer = prepared
    rows = light_curves(200)
    rows = rows[np.arange(200) % 10 < 7]
    name = "Gaia_EDR3__parallax_error"
    assert imputer.constants[name] == pytest.approx(np.median(rows[name]))
    assert len(imputer.references) == 140


def test_rows_without_a_required_feature_are_used_where_it_is_not_read(prepared):
    data, _ = prepared
    of_e, of_rrab = parts_of(data, "e", PLAN)["train"], parts_of(data, "rrab", PLAN)["train"]
    assert 3 in of_e and 3 not in of_rrab
    assert len(of_e) == len(of_rrab) + 1 == 140


def test_label_learns_what_it_may_read(prepared):
    data, _ = prepared
    e, rrab = train_label(data, "e", PLAN), train_label(data, "rrab", PLAN)
    assert max(e.importances, key=lambda f: e.importances[f]["gain"]) == "stetson_k"
    assert max(rrab.importances, key=lambda f: rrab.importances[f]["gain"]).startswith("period")
    assert rrab.metrics["roc_auc"] > 0.95 and rrab.metrics["stars"] == 20
    assert rrab.test.rows.tolist() == list(range(9, 200, 10))


def test_labels_that_lack_examples_are_named(prepared):
    data, _ = prepared
    assert why_untrainable(data, "mir", PLAN) == "0 positive light curves, 5 needed"
    assert "negative light curves" in why_untrainable(data, "pnp", PLAN)
    assert why_untrainable(data, "cv", PLAN) is None


def test_scores_of_the_stored_set_are_those_of_the_training(prepared, tmp_path):
    data, imputer = prepared
    results = [train_label(data, name, PLAN) for name in ("e", "rrab")]
    files = store.LocalFiles(tmp_path)
    version = store.save(
        files,
        {**{f"{r.label}.ubj": r.model for r in results}, store.IMPUTER: imputer.to_bytes()},
        algorithm=store.XGB,
        described={
            "mode": "fixed",
            "labels": {
                r.label: {**r.summary, "file": f"{r.label}.ubj", "output": 0} for r in results
            },
            "features": {kind: list(names) for kind, names in data.features.items()},
        },
        informative={"code_version": "test"},
    )
    rows = light_curves(200)
    scores = Scorer([store.load(files, store.XGB, version)]).score(rows)
    for result in results:
        np.testing.assert_allclose(
            scores[f"{result.label}_xgb"].to_numpy()[result.test.rows],
            result.test.score,
            atol=1e-6,  # sums of trees in single precision
        )
    # Row 3 has a period here, unlike in the training.
    assert (scores["status"] == OK).all()
