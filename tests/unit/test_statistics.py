import warnings

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy import special, stats

from udfs.features.normality import log_normal_cdf
from udfs.features.statistics import basic_statistics
from udfs.schemas import STATISTICS

# Sums of terms of both signs lose digits to cancellation; the others agree to rounding.
LOOSE = {"norm_excess_var": 1e-10, "skew": 1e-8, "welch_i": 1e-8, "stetson_j": 1e-8}


def named(time, mag, magerr, offsets=None):
    bounds = np.array([0, len(time)]) if offsets is None else offsets
    arrays = [np.asarray(a, float) for a in (time, mag, magerr)]
    return dict(zip(STATISTICS, basic_statistics(*arrays, bounds).T, strict=True))


@pytest.mark.oracle
def test_matches_the_published_code_on_real_curves(oracle_curves, oracle_dir):
    expected = pq.read_table(oracle_dir / "features.parquet").to_pandas()
    c = oracle_curves
    actual = named(c.time, c.mag, c.magerr, c.offsets)
    for name in STATISTICS:
        np.testing.assert_allclose(
            actual[name], expected[name], rtol=LOOSE.get(name, 1e-11), atol=0, err_msg=name
        )


def test_small_curve_by_hand():
    # Errors of 1 and a mean of 2: every sum can be done in the head.
    s = named([0, 1, 3, 4], [1, 3, 1, 3], [1, 1, 1, 1])
    assert s["n"] == 4
    assert s["median"] == s["wmean"] == 2
    assert s["wstd"] == 1
    assert s["chi2red"] == s["roms"] == pytest.approx(4 / 3)
    assert s["norm_peak_to_peak_amp"] == 0  # (3 - 1) - (1 + 1)
    assert s["norm_excess_var"] == 0
    assert s["median_abs_dev"] == 1
    assert s["iqr"] == 2
    assert s["skew"] == 0
    assert s["smallkurt"] == pytest.approx(4 * 5 / 6 * 4 - 3 * 9 / 2)
    assert s["inv_vonneumannratio"] == pytest.approx((1 + 0.25 + 1) / (4 + 1 + 4))
    assert s["welch_i"] == pytest.approx(-3 * 4 / 3)
    assert s["stetson_j"] == pytest.approx(-3 * np.sqrt(4 / 3))
    assert s["stetson_k"] == pytest.approx(1)


@pytest.mark.parametrize("outlier", [0.0, 50.0, 1e6])
def test_normality_tests_match_scipy(rng, outlier):
    mag = rng.normal(15, 0.3, 3000)
    mag[7] += outlier
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        expected = stats.anderson(mag / 0.1).statistic
    s = named(np.arange(3000), mag, np.full(3000, 0.1))
    # The statistic is what 3000 leaves of 3000.
    np.testing.assert_allclose(s["ad"], expected, rtol=1e-9)
    np.testing.assert_allclose(s["sw"], stats.shapiro(mag / 0.1).statistic, rtol=1e-12)


@pytest.mark.parametrize("n", [*range(3, 13), 50, 51, 499, 500, 4999, 5000, 5001, 20_000])
@pytest.mark.parametrize("law", ["normal", "exponential"])
def test_shapiro_wilk_matches_scipy_at_every_size(rng, n, law):
    values = rng.normal(900, 3, n) if law == "normal" else 900 + rng.exponential(3, n)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # about p-values above 5000 points
        expected = stats.shapiro(values).statistic
    s = named(np.arange(n), values, np.ones(n))
    np.testing.assert_allclose(s["sw"], expected, rtol=1e-12)


def test_shapiro_wilk_of_three_values_stays_above_its_bound():
    # Two equal values of three are the least normal: exactly 3/4, less rounding.
    assert named([0, 1, 2], [15.0, 15.0, 15.3], [1, 1, 1])["sw"][0] >= 0.75


def test_weights_belong_to_the_size_of_each_curve(rng):
    # Neighbours of other sizes: the weights of the last curve must not be used again.
    sizes = [40, 40, 7, 40]
    offsets = np.concatenate(([0], np.cumsum(sizes)))
    mag = rng.normal(15, 0.3, offsets[-1])
    s = named(np.arange(mag.size), mag, np.full(mag.size, 0.1), offsets)
    alone = [stats.shapiro(part / 0.1).statistic for part in np.split(mag, offsets[1:-1])]
    np.testing.assert_allclose(s["sw"], alone, rtol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6, 99, 100])
@pytest.mark.parametrize("ties", [False, True])
def test_order_statistics_match_numpy(rng, n, ties):
    mag = rng.integers(0, 4, n) / 4.0 if ties else rng.normal(15, 1, n)
    s = named(np.arange(n), mag, np.ones(n))
    # rtol: interpolated between two values in another order of operations.
    np.testing.assert_allclose(s["median"], np.median(mag), rtol=1e-14)
    deviation = np.median(np.abs(mag - np.median(mag)))
    np.testing.assert_allclose(s["median_abs_dev"], deviation, rtol=1e-13, atol=1e-14)
    for name, low in [("iqr", 25), ("i60r", 20), ("i70r", 15), ("i80r", 10), ("i90r", 5)]:
        expected = np.subtract(*np.percentile(mag, [100 - low, low]))
        np.testing.assert_allclose(s[name], expected, rtol=1e-12, atol=1e-14, err_msg=name)


def test_nan_gives_nan_and_no_crash():
    s = named(np.arange(5), [15.0, np.nan, 15.2, 15.1, 15.3], np.full(5, 0.1))
    assert np.isnan(s["wmean"][0])
    assert np.isnan(s["sw"][0])


@pytest.mark.parametrize("x", [-300.0, -55.0, -30.5, -29.5, -5.0, 0.0, 3.0])
def test_log_normal_cdf_has_both_its_ranges_right(x):
    # One epoch far from the others reaches -sqrt(n); erfc underflows near -38.
    assert log_normal_cdf(x) == pytest.approx(special.log_ndtr(x), rel=1e-12)


@pytest.mark.parametrize(
    ("n", "undefined"),
    [
        (0, set(STATISTICS) - {"n"}),
        (
            1,
            {"chi2red", "roms", "skew", "smallkurt", "inv_vonneumannratio", "welch_i",
             "stetson_j", "stetson_k", "ad", "sw"},
        ),
        (2, {"skew", "smallkurt", "sw"}),
        (3, {"smallkurt"}),
        (4, set()),
    ],
)  # fmt: skip
def test_short_curves_have_nan_where_undefined(n, undefined):
    s = named(np.arange(n), 15 + np.arange(n) ** 2, np.full(n, 0.1))
    assert {name for name, value in s.items() if np.isnan(value[0])} == undefined


def test_equal_times_make_only_the_von_neumann_ratio_undefined():
    s = named([0, 1, 1, 2, 3], [1.0, 2, 2.5, 1.5, 1], np.ones(5))
    assert [name for name, value in s.items() if np.isnan(value[0])] == ["inv_vonneumannratio"]


def test_constant_magnitude_has_no_normality_test():
    s = named(np.arange(9), np.full(9, 15.0), np.full(9, 0.1))
    assert np.isnan(s["ad"][0])
    assert np.isnan(s["sw"][0])
    assert s["iqr"][0] == 0
