"""What must hold for the features of any light curve."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs.cleaning import CleaningSettings, clean_epochs
from udfs.features.dmdt import DT_EDGES_DAY, dmdt_histograms
from udfs.features.fourier import fourier_features
from udfs.features.statistics import basic_statistics
from udfs.modes import MODES
from udfs.periodograms.aov import aov
from udfs.periodograms.conditional_entropy import conditional_entropy
from udfs.periodograms.lomb_scargle import lomb_scargle
from udfs.schemas import STATISTICS

FREQ = 0.013 + 0.0371 * np.arange(200)
EXAMPLES = settings(max_examples=60, deadline=None)


@st.composite
def light_curves(draw, min_size=0, max_size=80):
    """Times on a grid of 1/1024 day and magnitudes of 1/1024 mag: shifts by integers are exact."""
    n = draw(st.integers(min_size, max_size))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    time = 58000 + np.sort(rng.choice(2**20, n, replace=False)) / 1024
    mag = rng.integers(14 * 1024, 20 * 1024, n) / 1024
    magerr = rng.integers(10, 200, n) / 1024
    return time, mag, magerr


def bounds(time):
    return np.array([0, time.size])


def periodograms(time, mag, backend="cpu"):
    return [
        f(time, mag, bounds(time), FREQ, backend=backend)[0]
        for f in (lomb_scargle, conditional_entropy, aov)
    ]


@EXAMPLES
@given(light_curves(min_size=21), st.integers(-50000, 50000), st.integers(-3, 3))
def test_periodograms_do_not_depend_on_the_zero_points(curve, days, mags):
    time, mag, _ = curve
    for moved, plain in zip(
        periodograms(time + days, mag + mags), periodograms(time, mag), strict=True
    ):
        np.testing.assert_array_equal(moved, plain)


@EXAMPLES
@given(light_curves(min_size=21), st.randoms(use_true_random=False))
def test_periodograms_do_not_depend_on_the_order_of_the_epochs(curve, random):
    time, mag, _ = curve
    order = np.array(random.sample(range(time.size), time.size))
    for shuffled, plain in zip(
        periodograms(time[order], mag[order]), periodograms(time, mag), strict=True
    ):
        # Sums are taken in another order.
        np.testing.assert_allclose(shuffled, plain, rtol=1e-9, atol=1e-11)


@EXAMPLES
@given(light_curves(min_size=21))
def test_periodograms_lie_in_their_ranges(curve):
    time, mag, _ = curve
    ls, ce, theta = periodograms(time, mag)
    scaled = (mag - mag.min()) / np.ptp(mag)
    half_variance = 0.5 * np.sum((scaled - scaled.mean()) ** 2)
    rounding = 1e-12
    assert np.all((ls >= -rounding) & (ls <= half_variance * (1 + rounding)))
    assert np.all((ce >= -rounding) & (ce <= np.log(10) + rounding))
    assert np.all(theta >= 0)


@EXAMPLES
@given(light_curves(min_size=0, max_size=40))
def test_backends_agree(curve):
    time, mag, _ = curve
    for cpu, reference in zip(
        periodograms(time, mag), periodograms(time, mag, "reference"), strict=True
    ):
        np.testing.assert_allclose(cpu, reference, rtol=1e-9, atol=1e-11)


@EXAMPLES
@given(light_curves(), st.floats(0, 3000), st.randoms(use_true_random=False))
def test_cleaning_is_idempotent_and_blind_to_the_order_of_rows(curve, gap, random):
    order = np.array(random.sample(range(curve[0].size), curve[0].size), dtype=np.int64)
    rules = CleaningSettings(min_gap_minutes=gap)

    def clean(time, mag, magerr):
        flags = np.zeros(time.size, np.int32)
        return clean_epochs(time, mag, magerr, flags, bounds(time), settings=rules)[:3]

    once = clean(*curve)
    for other in (clean(*once), clean(*(a[order] for a in curve))):
        np.testing.assert_array_equal(np.array(other), np.array(once))
    assert np.all(np.diff(once[0]) >= gap / 1440)
    assert (once[0].size > 0) == (curve[0].size > 0)


@EXAMPLES
@given(light_curves(max_size=5), st.sampled_from(MODES))
def test_very_short_curves_do_not_raise(curve, mode):
    time, mag, magerr = curve
    assert basic_statistics(*curve, bounds(time))[0, 0] == time.size
    series = fourier_features(*curve, bounds(time), np.array([0.5]), mode=mode)
    assert np.isnan(series).all()
    assert dmdt_histograms(time, mag, bounds(time), mode=mode).shape == (1, 26, 26)


@EXAMPLES
@given(light_curves(min_size=8), st.integers(-5, 5))
def test_spreads_do_not_depend_on_the_brightness(curve, mags):
    time, mag, magerr = curve
    plain, moved = (
        dict(zip(STATISTICS, basic_statistics(time, m, magerr, bounds(time))[0], strict=True))
        for m in (mag, mag + mags)
    )
    for name in ("median", "wmean"):
        assert moved[name] - plain[name] == pytest.approx(mags, abs=1e-9)
    for name in ("wstd", "chi2red", "roms", "iqr", "i90r", "median_abs_dev", "stetson_k"):
        assert moved[name] == pytest.approx(plain[name], rel=1e-9), name


@EXAMPLES
@given(light_curves(min_size=2))
def test_dmdt_counts_each_pair_once(curve):
    time, mag, _ = curve
    image = dmdt_histograms(time, mag, bounds(time))[0]
    assert np.sum(image**2) == pytest.approx(1)
    # No pair lies outside the edges, so the columns share the pairs as their time differences do.
    i, j = np.triu_indices(time.size, 1)
    pairs, _ = np.histogram(time[j] - time[i], DT_EDGES_DAY)
    assert image.sum(axis=0) / image.sum() == pytest.approx(pairs / i.size)


@EXAMPLES
@given(light_curves(min_size=30), st.floats(0.05, 50), st.sampled_from(MODES))
def test_fourier_power_is_a_share_and_batches_do_not_mix(curve, period, mode):
    time = curve[0]
    alone = fourier_features(*curve, bounds(time), np.array([period]), mode=mode)
    assert 0 <= alone[0, 0] <= 1
    twice = fourier_features(
        *(np.tile(a, 2) for a in curve),
        np.array([0, time.size, 2 * time.size]),
        np.array([period, period]),
        mode=mode,
    )
    np.testing.assert_array_equal(twice, np.repeat(alone, 2, axis=0))
