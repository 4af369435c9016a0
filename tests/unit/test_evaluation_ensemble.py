from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.evaluation.ensemble import Ensemble, fit_ensemble
from models.taxonomy import read_taxonomy
from udfs.errors import ContractError

TAXONOMY = read_taxonomy(Path(__file__).resolve().parents[2] / "conf" / "labels.toml")
KINDS = ("xgb", "dnn")


def validation(seed=1, n=300):
    """Answers of two labels, one above the other, and noisy scores by both kinds of models."""
    rng = np.random.default_rng(seed)
    rrlyr = (rng.random(n) < 0.5).astype(np.int8)
    rrab = (rrlyr * (rng.random(n) < 0.6)).astype(np.int8)
    targets = {"rrlyr": rrlyr, "rrab": rrab, "dscu": np.zeros(n, dtype=np.int8)}
    scores = {
        kind: {
            label: (1 / (1 + np.exp(1.5 - 3 * t - rng.normal(0, 1.5, n)))).astype(np.float32)
            for label, t in targets.items()
        }
        for kind in KINDS
    }
    return targets, scores


def table(scores):
    return pd.DataFrame(
        {f"{label}_{kind}": s for kind in KINDS for label, s in scores[kind].items()}
    )


def test_labels_without_both_classes_are_left_out():
    ensemble = fit_ensemble(*validation(), kinds=KINDS)
    assert set(ensemble.stacks) == {"rrlyr", "rrab"}
    targets, scores = validation()
    del scores["dnn"]["rrab"]
    assert set(fit_ensemble(targets, scores, kinds=KINDS).stacks) == {"rrlyr"}


def test_unknown_answers_teach_nothing():
    targets, scores = validation()
    blind = {name: target.copy() for name, target in targets.items()}
    blind["rrlyr"][:100] = -1
    few = {kind: {label: s[100:] for label, s in of.items()} for kind, of in scores.items()}
    expected = fit_ensemble({"rrlyr": targets["rrlyr"][100:]}, few, kinds=KINDS)
    found = fit_ensemble({"rrlyr": blind["rrlyr"]}, scores, kinds=KINDS)
    np.testing.assert_array_equal(found.stacks["rrlyr"].weights, expected.stacks["rrlyr"].weights)


def test_the_result_agrees_with_the_trees_and_keeps_the_index():
    ensemble = fit_ensemble(*validation(), kinds=KINDS)
    scores = table(validation(seed=2)[1])
    scores.index += 7
    alone = {label: s.apply(scores[[f"{label}_xgb", f"{label}_dnn"]].to_numpy())
             for label, s in ensemble.stacks.items()}  # fmt: skip
    assert np.any(alone["rrab"] > alone["rrlyr"])
    found = ensemble.apply(scores, TAXONOMY)
    assert np.all(found["rrab"] <= found["rrlyr"])
    assert found.index.equals(scores.index)


def test_a_row_that_one_kind_did_not_score_has_no_probability():
    scores = table(validation(seed=2)[1])
    scores.loc[3, "rrab_dnn"] = np.nan
    found = fit_ensemble(*validation(), kinds=KINDS).apply(scores, TAXONOMY)
    assert np.isnan(found.loc[3, "rrab"]) and np.isfinite(found.loc[4, "rrab"])


def test_a_missing_column_is_named():
    scores = table(validation()[1]).drop(columns="rrab_dnn")
    with pytest.raises(ContractError, match="column 'rrab_dnn', which the scores lack"):
        fit_ensemble(*validation(), kinds=KINDS).apply(scores, TAXONOMY)


def test_an_ensemble_comes_back_from_its_file():
    ensemble = fit_ensemble(*validation(), kinds=KINDS, projection="lower")
    stored = Ensemble.from_bytes(ensemble.to_bytes())
    assert (stored.kinds, stored.projection) == (KINDS, "lower")
    scores = table(validation(seed=3)[1])
    pd.testing.assert_frame_equal(stored.apply(scores, TAXONOMY), ensemble.apply(scores, TAXONOMY))
