import numpy as np
import pytest
from astropy.timeseries import BoxLeastSquares

from udfs.periodograms.box_least_squares import box_least_squares
from udfs.periodograms.grid import PeriodSearchSettings, frequency_grid

BOTH = ["reference", "cpu"]
FAST = ["cpu"]
GRID = 2 / 1700 + np.arange(1, 2000) / 1700


def one(time, mag, magerr, freq, backend="cpu", **options):
    offsets = np.array([0, time.size])
    return box_least_squares(time, mag, magerr, offsets, freq, backend=backend, **options)[0]


def chi2(mag, magerr):
    weight = 1 / magerr**2
    return np.sum(weight * (mag - np.average(mag, weights=weight)) ** 2)


@pytest.fixture
def eclipsing(rng):
    time = np.sort(rng.uniform(58000, 58400, 300))
    magerr = rng.uniform(0.01, 0.04, 300)
    mag = 16 + 0.3 * (np.mod(time / 1.234, 1) < 0.07) + magerr * rng.normal(size=300)
    return time, mag, magerr


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize("sizes", [[3], [0, 31], [50, 22, 100, 1]])
@pytest.mark.parametrize("lengths", [(0.01, 0.5), (0.1, 0.1), (0.02, 0.99)])
def test_matches_reference(make_curves, backend, sizes, lengths):
    c = make_curves(*sizes)
    freq = np.concatenate([GRID[:9], [7.0, 48.0]])
    actual, expected = (
        box_least_squares(
            c.time, c.mag, c.magerr, c.offsets, freq, backend=b,
            shortest=lengths[0], longest=lengths[1],
        )
        for b in (backend, "reference")
    )  # fmt: skip
    assert actual.shape == (len(sizes), freq.size)
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("backend", BOTH)
@pytest.mark.parametrize("period", [1.234, 0.777, 3.3, 10.1])
def test_matches_astropy(eclipsing, backend, period):
    # The square of astropy's signal-to-noise of the depth is the chi-square that the box explains.
    # It finds faintings only: here they win at each of these periods.
    time, mag, magerr = eclipsing
    judge = BoxLeastSquares(time - time[0], -mag, magerr)
    durations = np.arange(1, 26) * period / 50
    expected = judge.power(period, durations, oversample=1, objective="snr").power[0] ** 2
    share = one(time, mag, magerr, np.array([1 / period]), backend)[0]
    assert share * chi2(mag, magerr) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("backend", BOTH)
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_box_without_noise_is_explained_whole(backend, sign):
    # Bins 45 to 4 of 50: the box runs over phase 1.
    phase = (np.arange(200) + 0.5) / 200
    mag = 15.0 + sign * ((phase < 0.1) | (phase >= 0.9))
    time = np.concatenate([[0.0], 3 * np.arange(200) + phase])
    mag = np.concatenate([[15.0 + sign], mag])
    share = one(time, mag, np.full(201, 0.1), np.array([1.0]), backend)
    assert share[0] == pytest.approx(1)


@pytest.mark.parametrize("backend", FAST)
def test_injected_period_is_recovered(eclipsing, backend):
    time, mag, magerr = eclipsing
    settings = PeriodSearchSettings(excluded_per_day=(), max_freq_per_day=5.0)
    freq = frequency_grid(400.0, settings)
    best = freq[np.argmax(one(time, mag, magerr, freq, backend))]
    # Half the width of a peak.
    assert abs(best - 1 / 1.234) < 0.5 / 400


@pytest.mark.parametrize("backend", BOTH)
@pytest.mark.parametrize("n", [0, 1, 2, 60])
def test_curves_that_tell_nothing_are_nan(backend, n):
    values = one(np.arange(n) * 0.7, np.full(n, 15.0), np.full(n, 0.1), GRID[:5], backend)
    assert np.isnan(values).all()


@pytest.mark.parametrize("backend", BOTH)
def test_equal_times_explain_nothing(rng, backend):
    share = one(np.full(50, 7.0), rng.normal(15, 1, 50), np.full(50, 0.1), GRID[:5], backend)
    np.testing.assert_allclose(share, 0, atol=1e-12)


def test_long_curves_are_searched(rng):
    time = np.sort(rng.uniform(0, 7000, 20_000))
    share = one(time, rng.normal(15, 1, time.size), np.full(time.size, 0.1), GRID[:3])
    assert ((share > 0) & (share < 0.01)).all()


def test_contract_is_checked():
    time = np.arange(30.0)
    with pytest.raises(ValueError, match="backend='gpu' is unknown"):
        one(time, time, time + 1, GRID, "gpu")
    with pytest.raises(ValueError, match="shortest=0.6 and longest=0.5, expected 0 < shortest"):
        one(time, time, time + 1, GRID, shortest=0.6)
    with pytest.raises(ValueError, match="phase_bins=1, expected 2 or more"):
        one(time, time, time + 1, GRID, phase_bins=1)
