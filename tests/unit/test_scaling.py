"""Scaling of features by statistics of the training part."""

import numpy as np
import pytest
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from models.scaling import Scaler, fit_scaler
from udfs.errors import ContractError


@pytest.fixture
def matrix():
    return np.random.default_rng(3).lognormal(size=(50, 4))


def test_min_max_is_sklearns(matrix):
    expected = MinMaxScaler().fit_transform(matrix)
    np.testing.assert_allclose(fit_scaler(matrix).transform(matrix), expected, atol=1e-6)


def test_median_std_scales_as_sklearn_and_centres_on_the_median(matrix):
    expected = StandardScaler().fit(matrix)
    scaled = fit_scaler(matrix, "median_std").transform(matrix)
    np.testing.assert_allclose(np.median(scaled, axis=0), 0.0, atol=1e-6)
    np.testing.assert_allclose(scaled.std(axis=0), 1.0, rtol=1e-5)
    np.testing.assert_allclose(
        scaled, (matrix - np.median(matrix, axis=0)) / expected.scale_, atol=1e-5
    )


def test_constant_and_empty_features_do_no_harm(matrix):
    matrix[:, 1], matrix[:, 2] = 7.0, np.nan
    scaled = fit_scaler(matrix).transform(matrix)
    assert np.isfinite(scaled).all()
    np.testing.assert_array_equal(scaled[:, 1], 7.0)
    np.testing.assert_array_equal(scaled[:, 2], 0.0)


def test_limit_holds_values_far_beyond_the_training_part(matrix):
    scaler = fit_scaler(matrix, limit=3.0)
    far = np.full((1, 4), 1e9)
    assert scaler.transform(far).max() == 3.0
    assert scaler.transform(-far).min() == -3.0


def test_stored_scaler_comes_back(matrix):
    scaler = fit_scaler(matrix, "median_std", limit=10.0)
    content = scaler.to_bytes()
    found = Scaler.from_bytes(content)
    np.testing.assert_array_equal(found.transform(matrix), scaler.transform(matrix))
    assert found.to_bytes() == content


def test_unknown_scaling_is_told():
    with pytest.raises(ContractError, match="expected one of min_max, median_std"):
        fit_scaler(np.ones((2, 2)), "max_min")
