import numpy as np
import pytest

from udfs.periodograms.aov import aov
from udfs.periodograms.fast_phase_weighting import fast_phase_weighting
from udfs.periodograms.grid import PeriodSearchSettings, frequency_grid

BOTH = ["reference", "cpu"]
FAST = ["cpu"]
GRID = 2 / 1700 + np.arange(1, 2000) / 1700
BASELINE_DAY = 700.0


def one(time, mag, magerr, freq, backend="cpu", **options):
    offsets = np.array([0, time.size])
    return fast_phase_weighting(time, mag, magerr, offsets, freq, backend=backend, **options)[0]


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize("sizes", [[25], [0, 31], [50, 22, 300, 1], [60] * 5])
def test_matches_reference(make_curves, backend, sizes):
    c = make_curves(*sizes)
    freq = np.concatenate([GRID[:257], [7.0, 7.1], GRID[700:709], [48.0]])
    actual, expected = (
        fast_phase_weighting(c.time, c.mag, c.magerr, c.offsets, freq, backend=b)
        for b in (backend, "reference")
    )
    assert actual.shape == (len(sizes), freq.size)
    # atol: half of a chi-square of thousands is a difference of two of them.
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("backend", BOTH)
def test_two_bins_by_hand(backend):
    # Mean 1, weights 4: the bins hold 0, 0 and 2, 2: each adds (4 * 2)^2 / (2 * 8) = 4.
    time, mag = np.array([0.0, 0.6, 1.0, 1.6]), np.array([0.0, 2.0, 0.0, 2.0])
    gain = one(time, mag, np.full(4, 0.5), np.array([1.0]), backend, phase_bins=2)
    assert gain[0] == pytest.approx(8)


@pytest.mark.parametrize("backend", BOTH)
def test_is_the_f_statistic_in_other_units_when_the_errors_are_equal(make_curves, backend):
    time, mag, _ = make_curves(300).one(0)
    freq = GRID[:50]
    gain = one(time, mag, np.full(300, 0.03), freq, backend)
    share = gain / (0.5 * np.sum((mag - mag.mean()) ** 2) / 0.03**2)
    theta = aov(time, mag, np.array([0, 300]), freq, backend=backend)[0]
    np.testing.assert_allclose(theta, (300 - 20) / 19 * share / (1 - share), rtol=1e-9)


@pytest.mark.parametrize("backend", BOTH)
def test_a_bad_epoch_with_a_large_error_does_not_count(make_curves, backend):
    time, mag, magerr = (a.copy() for a in make_curves(100).one(0))
    freq = GRID[:20]
    without = one(np.delete(time, 50), np.delete(mag, 50), np.delete(magerr, 50), freq, backend)
    mag[50], magerr[50] = 25.0, 1e6
    np.testing.assert_allclose(one(time, mag, magerr, freq, backend), without, rtol=1e-6)


@pytest.mark.parametrize("shift", [0.0, 1000.0])
def test_zero_points_do_not_matter(make_curves, shift):
    time, mag, magerr = make_curves(200).one(0)
    np.testing.assert_allclose(
        one(time, mag + shift, magerr, GRID[:100]), one(time, mag, magerr, GRID[:100]), rtol=1e-7
    )


def faint_sinusoid(seed):
    """5 mmag at magnitude 16, 1000 epochs with errors near 12 mmag, as ZTF has them there."""
    rng = np.random.default_rng(seed)
    time = 58000 + np.sort(rng.uniform(0, BASELINE_DAY, 1000))
    magerr = rng.uniform(0.010, 0.014, time.size)
    freq = rng.uniform(5.2, 9.8)
    signal = 0.005 * np.sin(2 * np.pi * freq * (time - 58000))
    return time, 16 + signal + magerr * rng.normal(size=time.size), magerr, freq


def found(algorithm, truth, grid):
    # Half the width of a peak.
    return abs(grid[np.argmax(algorithm)] - truth) < 0.5 / BASELINE_DAY


@pytest.fixture(scope="module")
def grid():
    """One octave: at half the frequency, phase bins explain almost as much, and at noise more."""
    settings = PeriodSearchSettings(max_freq_per_day=10.0, excluded_per_day=())
    freq = frequency_grid(BASELINE_DAY, settings)
    return freq[freq > 5]


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize("seed", range(10))
def test_five_millimagnitudes_at_magnitude_16_are_found(seed, backend, grid):
    time, mag, magerr, truth = faint_sinusoid(seed)
    assert found(one(time, mag, magerr, grid, backend), truth, grid)
    assert found(aov(time, mag, np.array([0, time.size]), grid, backend=backend)[0], truth, grid)


def test_single_precision_without_centring_loses_five_millimagnitudes(grid):
    # What the test above guards against: sums of w * 16 leave no digits for 5 mmag.
    lost = 0
    for seed in range(3):
        time, mag, magerr, truth = faint_sinusoid(seed)
        near = grid[np.abs(grid - truth) < 0.2]
        weight = (1 / magerr**2).astype(np.float32)
        weighted = weight * mag.astype(np.float32)
        gains = []
        for f in near:
            column = (np.mod((time - time[0]) * f, 1) * 20).astype(np.int64)
            total, weights = np.zeros(20, np.float32), np.zeros(20, np.float32)
            np.add.at(total, column, weighted)
            np.add.at(weights, column, weight)
            gains.append(np.sum(total**2 / (2 * weights), dtype=np.float32))
        lost += not found(np.array(gains), truth, near)
    assert lost == 3


@pytest.mark.parametrize("backend", BOTH)
@pytest.mark.parametrize("n", [0, 1, 20, 60])
def test_curves_that_tell_nothing_are_nan(backend, n):
    values = one(np.arange(n) * 0.7, np.full(n, 15.0), np.full(n, 0.1), GRID[:5], backend)
    assert np.isnan(values).all()


@pytest.mark.parametrize("backend", BOTH)
@pytest.mark.parametrize(("column", "value"), [(1, np.nan), (2, np.nan), (2, 0.0), (2, -0.1)])
def test_bad_values_give_nan_to_their_curve_only(make_curves, backend, column, value):
    c = make_curves(40, 40)
    arrays = [a.copy() for a in (c.time, c.mag, c.magerr)]
    arrays[column][3] = value
    gains = fast_phase_weighting(*arrays, c.offsets, GRID[:5], backend=backend)
    assert np.isnan(gains[0]).all()
    assert np.isfinite(gains[1]).all()


@pytest.mark.parametrize("backend", BOTH)
def test_equal_times_explain_nothing(rng, backend):
    gains = one(np.full(50, 7.0), rng.normal(15, 1, 50), np.full(50, 0.1), GRID[:5], backend)
    np.testing.assert_allclose(gains, 0, atol=1e-9)


def test_contract_is_checked():
    time = np.arange(30.0)
    with pytest.raises(ValueError, match="backend='gpu' is unknown"):
        one(time, time, time + 1, GRID, "gpu")
    with pytest.raises(ValueError, match=r"magerr has shape \(3,\), but offsets end at 30"):
        one(time, time, time[:3], GRID)
    with pytest.raises(ValueError, match="phase_bins=1, expected 2 or more"):
        one(time, time, time + 1, GRID, phase_bins=1)
