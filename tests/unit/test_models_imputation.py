from pathlib import Path

import numpy as np
import pytest
from sklearn.impute import KNNImputer

from models.feature_sets import read_feature_sets
from models.imputation import Imputer, fit_imputer

CONF = Path(__file__).resolve().parents[2] / "conf"

SETS = read_feature_sets(CONF / "features.toml")
AT = {name: i for i, name in enumerate(SETS.ontological)}
REGRESSED = [n for n in SETS.ontological if SETS.filling[n] == "regress"]
MEDIANS = [n for n in SETS.ontological if SETS.filling[n] == "median"]
W1 = AT["AllWISE__w1mpro"]


def matrix_with_gaps(n, seed, share=0.3):
    """Features around 15 with gaps in those that may have some."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(15.0, 3.0, size=(n, len(SETS.ontological)))
    optional = [AT[name] for name in SETS.ontological if SETS.filling[name] != "required"]
    gaps = np.zeros(matrix.shape, dtype=bool)
    gaps[:, optional] = rng.random((n, len(optional))) < share
    matrix[gaps] = np.nan
    return matrix


def test_gaps_are_filled_as_scikit_learn_and_numpy_would():
    train, new = matrix_with_gaps(200, 1), matrix_with_gaps(30, 2)
    filled = fit_imputer(train, SETS).transform(new)
    columns = [AT[name] for name in REGRESSED]
    expected = KNNImputer(n_neighbors=5).fit(train[:, columns]).transform(new[:, columns])
    np.testing.assert_allclose(filled[:, columns], expected, rtol=1e-6)  # float32
    for name in MEDIANS:
        column = AT[name]
        gap = np.isnan(new[:, column])
        np.testing.assert_allclose(filled[gap, column], np.nanmedian(train[:, column]), rtol=1e-6)
        np.testing.assert_allclose(filled[~gap, column], new[~gap, column], rtol=1e-6)
    alerts = AT["n_ztf_alerts"]
    assert (filled[np.isnan(new[:, alerts]), alerts] == 0).all()
    assert not np.isnan(filled).any()


def test_a_row_is_filled_the_same_alone_and_in_company():
    imputer = fit_imputer(matrix_with_gaps(100, 1), SETS)
    new = matrix_with_gaps(20, 3)
    together = imputer.transform(new)
    alone = np.vstack([imputer.transform(row[None, :]) for row in new])
    np.testing.assert_array_equal(together, alone)


def test_a_feature_that_is_empty_in_training_stays_empty():
    train = matrix_with_gaps(50, 1)
    train[:, [W1, AT["Gaia_EDR3__parallax_error"]]] = np.nan
    imputer = fit_imputer(train, SETS)
    assert imputer.empty == ("AllWISE__w1mpro", "Gaia_EDR3__parallax_error")
    # A value at inference must not steer what the trees have never seen.
    filled = imputer.transform(matrix_with_gaps(10, 2, share=0.0))
    assert np.isnan(filled[:, W1]).all()
    assert not np.isnan(filled[:, AT["AllWISE__w2mpro"]]).any()


def test_all_context_empty_leaves_the_light_curve_features_alone():
    train = matrix_with_gaps(20, 1, share=1.0)
    filled = fit_imputer(train, SETS).transform(train)
    np.testing.assert_array_equal(filled[:, :35], train[:, :35].astype(np.float32))
    assert np.isnan(filled[:, [AT[n] for n in REGRESSED]]).all()
    assert (filled[:, AT["n_ztf_alerts"]] == 0).all()


@pytest.mark.parametrize("gap", [np.nan, np.inf, -np.inf, 1e300])
def test_required_features_are_never_filled(gap):
    imputer = fit_imputer(matrix_with_gaps(50, 1), SETS)
    new = matrix_with_gaps(4, 2)
    new[1, AT["stetson_k"]] = gap
    new[2, AT["period_ELS_ECE_EAOV"]] = gap
    filled = imputer.transform(new)
    assert imputer.complete(filled, SETS.phenomenological).tolist() == [True, False, True, True]
    assert imputer.complete(filled, SETS.ontological).tolist() == [True, False, False, True]


def test_stored_imputer_is_the_same_and_so_are_its_bytes():
    train, new = matrix_with_gaps(80, 1), matrix_with_gaps(20, 2)
    imputer = fit_imputer(train, SETS)
    stored = imputer.to_bytes()
    assert stored == fit_imputer(train, SETS).to_bytes()
    again = Imputer.from_bytes(stored)
    np.testing.assert_array_equal(again.transform(new), imputer.transform(new))
    assert again.to_bytes() == stored
