import numpy as np
import pytest

from udfs.periodograms.multi_harmonic import multi_harmonic
from udfs.periodograms.multi_harmonic.formula import RIDGE
from udfs.periods.candidates import star_statistic, top_maxima
from udfs.periods.curves import JITTER, star_curves, weights
from udfs.periods.folded_shape import SHAPE, roughness, shape
from udfs.periods.harmonic_fit import (
    coefficients,
    fit_series,
    log_likelihood_gains,
    means_beside,
    moments,
    refined,
    series_at,
)
from udfs.periods.pool import candidate_pool


def nights(rng, n, span=1000):
    """Times of a survey that looks once a night."""
    return np.sort(58000 + rng.integers(0, span, n) + rng.uniform(0.1, 0.4, n))


def sawtooth(rng, period, n=150, *, noise=0.02, curves=1):
    """Arrays of one star: ``curves`` light curves of n epochs each."""
    time = np.concatenate([nights(rng, n) for _ in range(curves)])
    mag = 16 + 0.7 * np.mod(time / period, 1) + rng.normal(0, noise, time.size)
    return time, mag, np.full(time.size, noise), n * np.arange(curves + 1)


def test_weights_are_those_of_errors_and_jitter(rng):
    mag, err = rng.normal(15, 1, 100_000), np.full(100_000, 0.03)
    # Half the central 68% of a normal distribution is its standard deviation, less 0.6%.
    assert weights(mag, err)[0] == pytest.approx(1 / (0.03**2 + JITTER**2), rel=0.02)


@pytest.mark.parametrize("side", [-1, 1])
def test_a_wild_epoch_adds_no_more_to_chi_square_than_one_at_the_limit(rng, side):
    mag, err = rng.uniform(15, 16, 400), np.full(400, 0.03)
    mag[7], mag[9] = 15.5 + 3 * side, 15.5 + 50 * side
    found = weights(mag, err)
    others = np.delete(found, [7, 9])
    np.testing.assert_array_equal(others, others[0])
    np.testing.assert_allclose((found * (mag - 15.5) ** 2)[[7, 9]], others[0], rtol=0.05)


def test_an_eclipse_of_three_epochs_counts_and_so_do_all_of_a_short_curve(rng):
    mag, err = rng.uniform(15, 15.1, 400), np.full(400, 0.03)
    mag[:3] = 16.0, 16.1, 16.2
    for n in (400, 49):
        found = weights(mag[:n], err[:n])
        np.testing.assert_array_equal(found, found[0])


def test_two_wild_epochs_of_a_constant_star_are_finite():
    mag = np.full(60, 15.0)
    mag[:2] = 12.0, 19.0
    star = star_curves(np.arange(60.0), mag, np.full(60, 0.02), np.array([0, 60]))
    gain = np.empty(3)
    log_likelihood_gains(*star, 0.3, gain)
    assert np.isfinite(gain).all()


@pytest.mark.parametrize("spoil", ["short", "flat", "nan", "error", "one_time"])
def test_a_curve_that_tells_nothing_is_left_out(rng, spoil):
    time, mag, err, offsets = sawtooth(rng, 0.6, 40, curves=2)
    if spoil == "short":
        offsets = np.array([0, 73, 80])
    mag[73:] = {"flat": 15.0, "nan": np.nan}.get(spoil, mag[73:])
    mag[40:73] = 15.0 if spoil == "flat" else mag[40:73]
    err[75] = 0.0 if spoil == "error" else err[75]
    time[40:] = 58000.0 if spoil == "one_time" else time[40:]
    star = star_curves(time, mag, err, offsets)
    assert star.chi2.size == 1
    assert star.time.size == offsets[1]


def test_no_usable_curve_is_an_empty_star():
    star = star_curves(np.empty(0), np.empty(0), np.empty(0), np.zeros(3, np.int64))
    assert star.chi2.size == 0
    assert star.span_day == 0.0


def test_statistic_of_a_star_adds_shares_of_epochs(rng):
    time, mag, err, offsets = sawtooth(rng, 0.6, 60, curves=2)
    freq = np.arange(0.5, 3, 0.05)
    star = star_curves(time, mag, err, offsets)
    effective = 1 / np.sqrt(star.weight)
    reductions = multi_harmonic(star.time, star.y, effective, offsets, freq, backend="reference")
    expected = np.einsum("cfk,c->fk", reductions, 60 / star.chi2)
    np.testing.assert_allclose(star_statistic(star, freq), expected, rtol=1e-7, atol=1e-7)


def test_top_maxima_by_hand():
    freq = np.arange(1.0, 10.0)
    one = np.array([9.0, 1, 4, 4, 2, 7, 1, 3, 8])
    statistic = np.column_stack([one, np.arange(9.0)])
    found = top_maxima(statistic, freq, 3)
    # Ends are none; of a plateau the last point is the maximum.
    np.testing.assert_array_equal(found[0], [6.0, 4.0, np.nan])
    assert np.isnan(found[1]).all()
    np.testing.assert_array_equal(top_maxima(statistic, freq, 1)[0], [6.0])


def test_curves_of_different_amplitudes_come_on_one_scale(rng):
    time, mag, err, offsets = sawtooth(rng, 0.6, 200, curves=2)
    mag[200:] = 14 + 0.25 * (mag[200:] - 16)
    err[200:] *= 0.25
    star = star_curves(time, mag, err, offsets)
    assert np.std(star.y[:200]) == pytest.approx(np.std(star.y[200:]), rel=0.03)
    assert np.std(star.y) == pytest.approx(np.std(mag[:200]) * 0.625, rel=0.03)
    np.testing.assert_allclose(star.weight[0], star.weight[200], rtol=0.1)
    parts = np.add.reduceat(star.weight * star.y**2, offsets[:2])
    np.testing.assert_allclose(star.chi2, parts)


def test_noise_is_not_scaled_up_to_a_signal(rng):
    time, mag, err, offsets = sawtooth(rng, 0.6, 200, curves=2)
    mag[200:] = 14 + rng.normal(0, 0.1, 200)
    err[200:] = 0.1
    star = star_curves(time, mag, err, offsets)
    assert star.weight[200:].mean() < 0.01 * star.weight[:200].mean()


def least_squares_gains(star, freq, harmonics):
    """Gains of one series with a mean for each curve, by numpy, the ridge as further rows."""
    curve = np.repeat(np.arange(star.chi2.size), np.diff(star.offsets))
    root = np.sqrt(star.weight)
    angle = 2 * np.pi * freq * star.time
    gains = []
    for k in range(1, harmonics + 1):
        waves = [f(j * angle) for j in range(1, k + 1) for f in (np.cos, np.sin)]
        means = (curve[:, None] == np.arange(star.chi2.size)).astype(float)
        design = np.column_stack([means, *waves]) * root[:, None]
        ridge = np.eye(design.shape[1])[star.chi2.size :] * np.sqrt(RIDGE * star.weight.sum())
        design, y = np.vstack([design, ridge]), np.append(root * star.y, np.zeros(2 * k))
        residual = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
        gains.append(-0.5 * star.y.size * np.log(np.sum(residual**2) / star.chi2.sum()))
    return np.array(gains)


@pytest.mark.parametrize("curves", [1, 3])
def test_gains_are_those_of_least_squares(rng, curves):
    star = star_curves(*sawtooth(rng, 0.6, 50, curves=curves))
    gain = np.empty(4)
    log_likelihood_gains(*star, 1.7, gain)
    np.testing.assert_allclose(gain, least_squares_gains(star, 1.7, 4), rtol=1e-7)


def test_gain_of_one_curve_is_that_of_the_grid(rng):
    star = star_curves(*sawtooth(rng, 0.6, 50))
    gain = np.empty(3)
    log_likelihood_gains(*star, 1.7, gain)
    share = star_statistic(star, np.array([1.7]))[0] / 50
    np.testing.assert_allclose(gain, -25 * np.log(1 - share), rtol=1e-7)


def test_refined_frequency_is_the_highest_nearby(rng):
    star = star_curves(*sawtooth(rng, 0.6137))
    step = 0.05 / star.span_day
    start = 1 / 0.6137 + 2.3 * step
    found = refined(*star, start, 3, step, 4)
    near = start + np.linspace(-4, 4, 3201) * step
    gains = np.empty((near.size, 3))
    for f, out in zip(near, gains, strict=True):
        log_likelihood_gains(*star, f, out)
    highest = near[np.argmax(gains[:, 2])]
    assert abs(found - highest) < step / 10
    assert abs(refined(*star, found, 3, step / 4, 4) - highest) < step / 100


@pytest.mark.parametrize("side", [-1, 1])
def test_refined_climbs_no_further_than_its_steps(rng, side):
    star = star_curves(*sawtooth(rng, 0.6137))
    step = 0.01 / star.span_day
    start = 1 / 0.6137 + side * 12 * step
    assert refined(*star, start, 3, step, 4) == pytest.approx(start - side * 4 * step, rel=1e-12)


def sums_of(time, y, weight, offsets, freq, top):
    angle = 2 * np.pi * freq * time
    out = np.empty((4, offsets.size - 1, top + 1))
    moments(y, weight, offsets, np.cos(angle), np.sin(angle), out)
    return out


@pytest.mark.parametrize("stride", [1, 2])
def test_coefficients_give_the_fitted_series(rng, stride):
    time, freq = np.sort(rng.uniform(0, 50, 4000)), 0.731
    angle = 2 * np.pi * freq * time
    y = 0.5 * np.cos(angle) - 0.2 * np.sin(2 * angle)
    y[:1000] += 0.3
    offsets = np.array([0, 1000, 4000])
    sums = sums_of(time, y, np.ones(4000), offsets, freq / stride, 4 * stride)
    factor, reduction = np.zeros((4, 5)), np.empty(2)
    fit_series(sums, stride, factor, reduction)
    found = coefficients(factor)
    # The penalty shrinks by twice its weight; the means are free.
    np.testing.assert_allclose(found, [0.5, 0, 0, -0.2], atol=3 * RIDGE)
    np.testing.assert_allclose(means_beside(sums, stride, found), [0.3, 0], atol=3 * RIDGE)
    x = 0.6
    value, slope = series_at(np.array([0.5, 0.0, 0.0, -0.2]), np.cos(x), np.sin(x))
    assert value == pytest.approx(0.5 * np.cos(x) - 0.2 * np.sin(2 * x))
    assert slope == pytest.approx(-0.5 * np.sin(x) - 0.4 * np.cos(2 * x))


def eclipses(rng, period, *, secondary, n=400):
    time = nights(rng, n)
    phase = np.mod(time / period, 1)
    mag = 15 + 0.5 * (np.abs(phase - 0.3) < 0.06) + secondary * (np.abs(phase - 0.8) < 0.06)
    return time, mag + rng.normal(0, 0.02, n), np.full(n, 0.02), np.array([0, n])


def values_of(star, freq, harmonics=6):
    out = np.empty(len(SHAPE))
    time, y, weight, offsets, chi2 = star
    angle = 2 * np.pi * freq * time
    waves = np.cos(angle), np.sin(angle)
    sums = sums_of(time, y, weight, offsets, freq, 2 * harmonics)
    shape(time, y, weight, offsets, chi2.sum(), freq, *waves, sums, 1, harmonics, out)
    return dict(zip(SHAPE, out, strict=True))


def test_parity_tells_unequal_eclipses_from_equal_ones(rng):
    unequal = values_of(star_curves(*eclipses(rng, 1.37, secondary=0.3)), 2 / 1.37)
    equal = values_of(star_curves(*eclipses(rng, 1.37, secondary=0.5)), 2 / 1.37)
    # One parameter: 3 is already one chance in 70.
    assert unequal["parity"] > 20
    assert equal["parity"] < 6
    # Depths (0.5 and 0.3) differ from their mean by a quarter.
    assert unequal["unequal"] == pytest.approx(0.25, abs=0.08)


def test_shift_tells_an_eccentric_orbit(rng):
    time, mag, err, offsets = eclipses(rng, 1.37, secondary=0.0)
    phase = np.mod(time / 1.37, 1)
    mag += 0.5 * (np.abs(phase - 0.83) < 0.06)
    found = values_of(star_curves(time, mag, err, offsets), 2 / 1.37)
    assert found["shift"] > 10


def test_shape_of_a_sawtooth(rng):
    found = values_of(star_curves(*sawtooth(rng, 0.6137, 400)), 1 / 0.6137)
    # Magnitudes grow for most of the cycle and the star brightens in a jump.
    assert found["rise"] < 0.5
    assert found["faint"] == pytest.approx(0.5, abs=0.1)
    assert found["range"] == pytest.approx(np.log(0.75), abs=0.2)


def test_second_minimum(rng):
    found = values_of(star_curves(*eclipses(rng, 1.37, secondary=0.3)), 1 / 1.37)
    assert found["second"] == pytest.approx(0.6, abs=0.1)
    assert found["apart"] == pytest.approx(0.5, abs=0.04)


def test_roughness_is_least_at_the_period_and_zero_for_noise(rng):
    star = star_curves(*sawtooth(rng, 0.6137, 300))
    at, off = np.empty(3), np.empty(3)
    roughness(star.time, star.y, star.offsets, 1 / 0.6137, at)
    roughness(star.time, star.y, star.offsets, 1.2345, off)
    assert at[0] < -2
    assert abs(off[0]) < 0.3
    assert abs(off[1]) < 0.3


def test_largest_gap_is_the_narrowest_of_the_curves():
    time = np.concatenate([np.arange(10) / 10, np.arange(8) / 16])
    out = np.empty(3)
    roughness(time, np.tile([0.0, 1.0], 9), np.array([0, 10, 18]), 1.0, out)
    assert out[2] == pytest.approx(0.1)


def test_pool_has_refined_peaks_with_their_halves_and_doubles(rng):
    star = star_curves(*sawtooth(rng, 0.6137))
    true = 1 / 0.6137
    candidates = np.full((3, 5), np.nan)
    candidates[0, :2] = true + 0.1 / star.span_day, 0.71
    candidates[2, 0] = true - 0.1 / star.span_day
    pool = candidate_pool(star, candidates)
    width = 1 / star.span_day
    for wanted in (true, true / 2, 2 * true):
        assert np.min(np.abs(pool - wanted)) < 0.1 * width
    # The two grid points were of one peak.
    assert np.sum(np.abs(pool - true) < width) == 1
    assert np.min(np.diff(np.sort(pool))) > 0.2 * width


def test_pool_of_no_candidates_is_empty(rng):
    star = star_curves(*sawtooth(rng, 0.6137))
    assert candidate_pool(star, np.full((3, 30), np.nan)).size == 0
