"""The features that come from one light curve, against the same on the CPU."""

import numpy as np
import pytest
from numba import cuda

from udfs.features import harmonic_fit_cuda
from udfs.features.dmdt import dmdt_histograms
from udfs.features.fourier import fourier_features
from udfs.features.statistics import basic_statistics
from udfs.schemas import STATISTICS

SCOPE = "scope-v0.9.5"
# As those of the CPU against SciPy: sums of terms of both signs lose digits to cancellation.
LOOSE = {"norm_excess_var": 1e-10, "skew": 1e-8, "welch_i": 1e-8, "stetson_j": 1e-8, "ad": 1e-9}
pytestmark = pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")


def assert_same_statistics(time, mag, magerr, offsets):
    actual, expected = (
        basic_statistics(time, mag, magerr, offsets, backend=backend) for backend in ("cuda", "cpu")
    )
    for k, name in enumerate(STATISTICS):
        np.testing.assert_allclose(
            actual[:, k], expected[:, k], rtol=LOOSE.get(name, 1e-11), atol=0, err_msg=name
        )


@pytest.fixture
def host_curves(monkeypatch):
    """Numbers of the epochs of the curves that went to the CPU, as they go."""
    seen = []

    def on_cpu(time, mag, magerr, offsets, *rest):
        seen.extend(np.diff(offsets))
        fit_curves(time, mag, magerr, offsets, *rest)

    fit_curves = harmonic_fit_cuda.fit_curves_on_cpu
    monkeypatch.setattr(harmonic_fit_cuda, "fit_curves_on_cpu", on_cpu)
    return seen


@pytest.mark.parametrize("sizes", [[0, 1, 2, 3, 4, 5, 6], [33], [7, 0, 40, 7, 8]])
def test_statistics_are_those_of_the_cpu(make_curves, sizes):
    c = make_curves(*sizes)
    assert_same_statistics(c.time, c.mag, c.magerr, c.offsets)


@pytest.mark.parametrize("outlier", [3.0, 1e6])
def test_an_epoch_far_from_the_others(rng, outlier):
    # Of 1600 epochs one reaches 40 standard deviations, where erfc is 0.
    mag = rng.normal(15, 0.3, 1600)
    mag[7] += outlier
    assert_same_statistics(np.arange(1600.0), mag, np.full(1600, 0.1), np.array([0, 1600]))


def test_statistics_of_hard_curves(rng):
    n = 9
    constant, ties = np.full(n, 15.0), rng.integers(0, 4, n) / 4.0
    at_once = np.full(n, 7.0)
    time = np.concatenate([np.arange(n), np.arange(n), at_once])
    mag = np.concatenate([constant, ties, 15 + ties])
    assert_same_statistics(time, mag, np.full(3 * n, 0.1), np.arange(4) * n)


@pytest.mark.parametrize("sizes", [[0], [1, 2, 0, 3], [4, 33, 5]])
def test_dmdt_is_that_of_the_cpu(make_curves, sizes):
    c = make_curves(*sizes)
    actual, expected = (
        dmdt_histograms(c.time, c.mag, c.offsets, backend=backend) for backend in ("cuda", "cpu")
    )
    assert expected.any() == (max(sizes) > 1)
    np.testing.assert_array_equal(actual, expected)


def test_dmdt_of_values_on_edges_beyond_them_and_nan(rng):
    # Quarters are exact in float64, and many edges are multiples of them.
    time = np.sort(rng.integers(0, 10_000, 60)) / 4.0
    mag = rng.integers(-20, 20, 60) / 4.0
    mag[::9] = np.nan
    offsets = np.array([0, 60])
    actual, expected = (dmdt_histograms(time, mag, offsets, backend=b) for b in ("cuda", "cpu"))
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("mode", ["fixed", SCOPE])
@pytest.mark.parametrize("sizes", [[30], [12, 0, 33, 11, 40, 1]])
def test_fourier_series_are_those_of_the_cpu(make_curves, host_curves, mode, sizes):
    c = make_curves(*sizes)
    # The true one, so that harmonics are chosen, and others.
    period = np.array([0.71234, 3.0, 0.2, 1.7, 0.71234, 2.0])[: len(sizes)]
    actual, expected = (
        fourier_features(
            c.time, c.mag, c.magerr, c.offsets, period,
            mode=mode, epoch_offset_day=2_400_000.5, backend=backend,
        )
        for backend in ("cuda", "cpu")
    )  # fmt: skip
    np.testing.assert_array_equal(np.isnan(expected[:, 0]), np.array(sizes) < 12)
    assert np.any(np.abs(expected[:, 4]) > 0.1)
    # The phases keep 1e-10 of their 1e6 cycles.
    np.testing.assert_allclose(actual, expected, rtol=1e-8, atol=1e-9)
    # Twelve epochs leave nothing to twelve parameters, and of nothing no share is accurate.
    assert [n for n in host_curves if n > 12] == []


@pytest.mark.parametrize("period", [np.nan, np.inf, 0.0, -1.0])
def test_no_period_no_fit(make_curves, period):
    c = make_curves(20)
    row = fourier_features(
        c.time, c.mag, c.magerr, c.offsets, np.array([period]), mode=SCOPE, backend="cuda"
    )
    assert np.isnan(row).all()


def test_epochs_at_one_time_have_no_fit(make_curves, host_curves):
    c = make_curves(20)
    row = fourier_features(
        np.full(20, 7.0), c.mag, c.magerr, c.offsets, np.ones(1), mode=SCOPE, backend="cuda"
    )
    assert np.isnan(row).all()
    assert host_curves == []


def test_nearly_dependent_columns_are_left_to_the_cpu(make_curves, rng, host_curves):
    c = make_curves(30, 31, 32, 33)
    # Two phases only; a good one; beyond the baseline. Of these the columns depend on one another;
    # with a part of the phases, in the last one, only the solution is found to be inaccurate.
    time = c.time.copy()
    time[:30] = np.arange(30) * 0.5
    time[93:] = np.sort(rng.choice(300, 33, replace=False)) + rng.uniform(0.2, 0.5, 33)
    period = np.array([1.0, 0.71234, 1e7, 1.0])
    actual, expected = (
        fourier_features(time, c.mag, c.magerr, c.offsets, period, mode=SCOPE, backend=backend)
        for backend in ("cuda", "cpu")
    )
    assert host_curves == [30, 32, 33]
    others = [0, 2, 3]
    assert np.isfinite(expected).all()
    np.testing.assert_array_equal(actual[others], expected[others])
    np.testing.assert_allclose(actual[1], expected[1], rtol=1e-8)


def test_numbers_do_not_depend_on_the_order_of_the_threads(make_curves):
    c = make_curves(33, 20)
    period = np.array([0.71234, 0.3])

    def features():
        return np.hstack([
            basic_statistics(c.time, c.mag, c.magerr, c.offsets, backend="cuda"),
            fourier_features(
                c.time, c.mag, c.magerr, c.offsets, period, mode=SCOPE, backend="cuda"
            ),
        ])  # fmt: skip

    np.testing.assert_array_equal(features(), features())


@pytest.mark.parametrize("available", [False, True])
def test_a_backend_that_is_not_there_is_named(make_curves, monkeypatch, available):
    monkeypatch.setattr(cuda, "is_available", lambda: available)
    c = make_curves(20)
    backend, error = ("gpu", ValueError) if available else ("cuda", RuntimeError)
    for call in (
        lambda: basic_statistics(c.time, c.mag, c.magerr, c.offsets, backend=backend),
        lambda: dmdt_histograms(c.time, c.mag, c.offsets, backend=backend),
        lambda: fourier_features(
            c.time, c.mag, c.magerr, c.offsets, np.ones(1), mode=SCOPE, backend=backend
        ),
    ):
        with pytest.raises(error, match=f"backend='{backend}'"):
            call()
