import numpy as np

from udfs.alerts.metadata import FEATURES, complete, feature_matrix


def columns(n):
    return {name: np.arange(n) + 100.0 * i for i, name in enumerate(FEATURES)}


def test_order_and_values():
    matrix = feature_matrix(columns(2))
    assert matrix.dtype == np.float32 and matrix.shape == (2, 25)
    np.testing.assert_array_equal(matrix[1], 100.0 * np.arange(25) + 1)
    assert FEATURES[0] == "drb" and FEATURES[17:20] == ("ndethist", "ncovhist", "scorr")


def test_drb_is_filled_where_it_is_missing_only():
    of = columns(3)
    of["drb"][1] = np.nan
    assert complete(feature_matrix(of)).tolist() == [True, False, True]
    rb = np.array([0.1, 0.2, 0.3])
    filled = feature_matrix(of, instead_of_drb=rb)
    np.testing.assert_allclose(filled[:, 0], [0.0, 0.2, 2.0])
    assert complete(filled).all()
    # An alert without either keeps its gap, and the columns of the caller stay as they were.
    assert not complete(feature_matrix(of, instead_of_drb=np.full(3, np.nan)))[1]
    assert np.isnan(of["drb"][1])


def test_gaps_and_values_beyond_single_precision_are_gaps():
    of = columns(4)
    of["sky"][0], of["sky"][1], of["sky"][2] = np.nan, np.inf, 1e300
    assert complete(feature_matrix(of)).tolist() == [False, False, False, True]


def test_sentinels_are_values():
    of = columns(1)
    of["sgscore3"][:] = -999.0
    assert complete(feature_matrix(of)).all()
