import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from made_models import SETS, images, network, rows_of, save_networks, save_trees

from models import store, xgb
from models.explanations import Explainer
from models.networks.runtime import Network
from models.scorer import MISSING_FEATURES, OK, Scorer, images_of, scorer_of
from udfs.errors import ContractError


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    files = store.LocalFiles(tmp_path_factory.mktemp("models"))
    return [
        store.load(files, "dnn", save_networks(files)),
        store.load(files, "xgb", save_trees(files)),
    ]


@pytest.fixture(scope="module")
def both(sets):
    return Scorer(sets)


def test_trees_and_networks_score_in_one_pass(sets, both):
    rows, pixels = rows_of(50, seed=7), images(50)
    scores = both.score(rows, pixels)
    assert list(scores) == ["ea_dnn", "rrab_dnn", "ea_xgb", "rrab_xgb", "status"]
    assert (scores["status"] == OK).all()
    # The trees' own library on their own columns; the network on scaled features.
    inputs = rows[list(SETS.ontological)].to_numpy(np.float32)
    booster = xgb.load(sets[1].model_of("rrab"))
    np.testing.assert_allclose(
        scores["rrab_xgb"], xgb.predict(booster, xgb.as_input(inputs, SETS.ontological)), atol=1e-6
    )
    scaled = sets[0].scaler.transform(inputs)
    expected = Network.load(network(2, seed=5), threads=1).predict(scaled, pixels)
    np.testing.assert_array_equal(scores[["ea_dnn", "rrab_dnn"]].to_numpy(), expected)
    assert not np.allclose(scores["ea_dnn"], scores["rrab_dnn"])


def test_order_of_columns_and_columns_beside_do_not_matter(both):
    rows, pixels = rows_of(9), images(9)
    mixed = rows.iloc[:, ::-1].assign(other="x")
    pd.testing.assert_frame_equal(both.score(mixed, pixels), both.score(rows, pixels))


def test_missing_features_and_images_blank_only_the_labels_that_read_them(both):
    rows, pixels = rows_of(6), images(6)
    rows.loc[0, "sw"] = np.nan
    rows.loc[1, "significance_ELS_ECE_EAOV"] = np.inf
    rows.loc[2, "PS1_DR1__gMeanPSFMag"] = None
    pixels[3] = np.nan
    scores = both.score(rows, pixels)
    assert scores["ea_xgb"].notna().tolist() == [False, True, True, True, True, True]
    assert scores["rrab_xgb"].notna().tolist() == [False, False, True, True, True, True]
    assert scores["ea_dnn"].notna().tolist() == [False, False, True, False, True, True]
    assert scores["status"].tolist() == [MISSING_FEATURES] * 2 + [OK, MISSING_FEATURES, OK, OK]


def test_a_row_scores_alone_as_among_others(both):
    rows, pixels = rows_of(8), images(8)
    rows.loc[2, "sw"] = np.nan
    rows.loc[[1, 5], "Gaia_EDR3__parallax"] = np.nan
    whole = both.score(rows, pixels)
    for i in range(8):
        alone = both.score(rows.iloc[[i]], pixels[[i]])
        pd.testing.assert_frame_equal(alone, whole.iloc[[i]], rtol=0, atol=1e-6)


def test_a_batch_without_a_usable_row_or_any_row_is_scored_null(both):
    scores = both.score(rows_of(2).assign(sw=np.nan), images(2))
    assert scores.drop(columns="status").isna().all().all()
    assert len(both.score(rows_of(2).iloc[:0], images(0))) == 0


def test_two_sets_for_the_same_column_are_refused(sets):
    with pytest.raises(ContractError, match="two of the models .* give ea_xgb"):
        Scorer([sets[1], sets[1]])


def test_models_are_loaded_once_per_process(sets):
    calls = []

    def load():
        calls.append(1)
        return sets

    first = scorer_of("once", load)
    assert scorer_of("once", load) is first and len(calls) == 1
    assert scorer_of("other", load) is not first and len(calls) == 2


def test_images_of_arrow_lists_mark_what_is_none():
    good = np.arange(676, dtype=np.float32)
    column = pa.array([good, None, good[:5], [None] * 676, good * 2], pa.list_(pa.float32()))
    found = images_of(column.slice(1))
    assert found.shape == (4, 26, 26, 1)
    assert np.isnan(found[:3]).all()
    np.testing.assert_array_equal(found[3].ravel(), good * 2)
    np.testing.assert_array_equal(images_of(column)[0, 1, :, 0], good[26:52])


def test_contributions_add_up_to_the_score(sets):
    rows = rows_of(40, seed=3)
    rows.loc[4, "sw"] = np.nan
    explainer = Explainer(sets[1])
    matrix = rows[list(explainer.features)].to_numpy(np.float64)
    found = explainer.explain(matrix, "ea", above=0.45)
    scores = Scorer(sets[1:]).score(rows)["ea_xgb"].to_numpy()
    assert found.rows.tolist() == np.flatnonzero(scores > 0.45).tolist() and len(found.rows) > 5
    margin = found.bias.astype(np.float64) + found.contributions.sum(axis=1)
    np.testing.assert_allclose(1 / (1 + np.exp(-margin)), scores[found.rows], atol=1e-5)
    largest = np.abs(found.contributions).mean(axis=0).argmax()
    assert SETS.phenomenological[largest] == "skew"
    assert len(explainer.explain(matrix, "ea", above=1.0).rows) == 0


def test_scoring_imports_no_tensorflow():
    code = (
        "import sys, models.scorer, models.networks.runtime, jobs.inference.score; "
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
