import numpy as np
import pytest
from astropy.timeseries import LombScargle
from scipy import stats

from udfs.periodograms.aov import aov
from udfs.periodograms.conditional_entropy import conditional_entropy
from udfs.periodograms.grid import PeriodSearchSettings, frequency_grid
from udfs.periodograms.lomb_scargle import cpu as lomb_scargle_cpu
from udfs.periodograms.lomb_scargle import lomb_scargle

ALGORITHMS = [lomb_scargle, conditional_entropy, aov]
BOTH = ["reference", "cpu"]
FAST = ["cpu"]
GRID = 2 / 1700 + np.arange(1, 2000) / 1700


def one(algorithm, time, mag, freq, backend="cpu", **options):
    return algorithm(time, mag, np.array([0, time.size]), freq, backend=backend, **options)[0]


def scaled(mag):
    return (mag - mag.min()) / np.ptp(mag)


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("sizes", [[25], [0, 31], [50, 22, 300, 1], [60] * 5])
def test_matches_reference(make_curves, algorithm, backend, sizes):
    c = make_curves(*sizes)
    freq = np.concatenate([GRID[:257], [7.0, 7.1], GRID[700:709], [48.0]])
    actual, expected = (
        algorithm(c.time, c.mag, c.offsets, freq, backend=b) for b in (backend, "reference")
    )
    assert actual.shape == (len(sizes), freq.size)
    # atol: near the zeros of a power its relative error has no bound.
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("backend", BOTH)
def test_lomb_scargle_matches_astropy(make_curves, backend):
    time, mag, _ = make_curves(200).one(0)
    judge = LombScargle(time - time[0], scaled(mag), fit_mean=False, center_data=True)
    expected = judge.power(GRID, method="slow", normalization="psd")
    np.testing.assert_allclose(
        one(lomb_scargle, time, mag, GRID, backend), expected, rtol=1e-8, atol=1e-10
    )


@pytest.mark.parametrize("backend", BOTH)
def test_aov_is_the_f_statistic_of_the_phase_bins(make_curves, backend):
    time, mag, _ = make_curves(400).one(0)
    freq = GRID[:50]
    actual = one(aov, time, mag, freq, backend, phase_bins=8)
    for f, theta in zip(freq, actual, strict=True):
        column = np.floor(np.mod((time - time[0]) * f, 1) * 8)
        groups = [mag[column == b] for b in range(8)]
        assert theta == pytest.approx(stats.f_oneway(*groups).statistic, rel=1e-9)


@pytest.mark.parametrize("backend", BOTH)
def test_conditional_entropy_is_joint_entropy_less_that_of_the_phase(make_curves, backend):
    time, mag, _ = make_curves(150).one(0)
    freq = GRID[:50]
    level = scaled(mag) * 0.999 + 5e-4
    actual = one(conditional_entropy, time, mag, freq, backend)
    for f, entropy in zip(freq, actual, strict=True):
        phase = np.mod((time - time[0]) * f, 1)
        counts, _, _ = np.histogram2d(phase, level, bins=[20, 10], range=[[0, 1], [0, 1]])
        expected = stats.entropy(counts.ravel()) - stats.entropy(counts.sum(axis=1))
        assert entropy == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("backend", BOTH)
@pytest.mark.parametrize("shape", ["sine", "eclipse"])
@pytest.mark.parametrize("period", [0.0731, 0.6123, 11.7])
def test_injected_period_is_recovered(rng, backend, shape, period):
    time = np.sort(rng.uniform(58000, 58400, 250))
    phase = np.mod(time / period, 1)
    signal = 0.4 * np.sin(2 * np.pi * phase) if shape == "sine" else 0.8 * (phase < 0.12)
    mag = 16 + signal + rng.normal(0, 0.03, time.size)
    # A stretch of the full grid around the signal: 2000 points, 200 peaks wide.
    grid = frequency_grid(400.0, PeriodSearchSettings(excluded_per_day=(), max_freq_per_day=20.0))
    near = np.argsort(np.abs(grid - 1 / period))[:2000]
    freq = np.sort(grid[near])
    algorithms = [(aov, 1), (conditional_entropy, -1)]
    if shape == "sine":
        algorithms.append((lomb_scargle, 1))
    for algorithm, sign in algorithms:
        best = freq[np.argmax(sign * one(algorithm, time, mag, freq, backend))]
        # Half the width of a peak.
        assert abs(best - 1 / period) < 0.5 / 400, algorithm.__name__


@pytest.mark.parametrize("backend", BOTH)
def test_lomb_scargle_of_a_pure_sine_is_an_eighth_of_the_epochs(backend):
    # Scaled to [0, 1] the amplitude is 1/2; n/2 (1/2)^2 is the reduction, half of it the power.
    time = np.arange(64) / 64 + 59000
    mag = 15 + 0.3 * np.cos(2 * np.pi * 4 * (time - 59000))
    assert one(lomb_scargle, time, mag, np.array([4.0]), backend)[0] == pytest.approx(64 / 16)


@pytest.mark.parametrize("backend", BOTH)
def test_alternating_epochs_have_a_finite_lomb_scargle(backend):
    # At half a cycle per sample every epoch sits on the zero of the sine.
    time, mag = np.arange(40.0), np.tile([15.0, 16.0], 20)
    assert one(lomb_scargle, time, mag, np.array([0.5]), backend)[0] == pytest.approx(40 / 8)


@pytest.mark.parametrize("backend", BOTH)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("n", [0, 1, 60])
def test_curves_that_tell_nothing_are_nan(algorithm, backend, n):
    values = one(algorithm, np.arange(n) * 0.7, np.full(n, 15.0), GRID[:5], backend)
    assert np.isnan(values).all()


@pytest.mark.parametrize("backend", BOTH)
def test_aov_needs_more_epochs_than_bins(make_curves, backend):
    c = make_curves(20, 21)
    theta = aov(c.time, c.mag, c.offsets, GRID[:5], backend=backend)
    assert np.isnan(theta[0]).all()
    assert (theta[1] >= 0).all()


@pytest.mark.parametrize("reseed", [1, 2, 7, 128, 4096])
def test_rotation_does_not_depend_on_how_often_it_is_renewed(make_curves, monkeypatch, reseed):
    time, mag, _ = make_curves(100).one(0)
    monkeypatch.setattr(lomb_scargle_cpu, "RESEED_STEPS", reseed)
    np.testing.assert_allclose(
        one(lomb_scargle, time, mag, GRID),
        one(lomb_scargle, time, mag, GRID, "reference"),
        rtol=1e-8,  # 4096 steps without renewal
        atol=1e-10,
    )


def test_rotation_follows_a_grid_with_gaps_and_uneven_steps(make_curves, rng):
    time, mag, _ = make_curves(100).one(0)
    freq = np.concatenate([GRID[:300], GRID[310:320], rng.uniform(1, 40, 50), 10 + GRID[:200] ** 2])
    np.testing.assert_allclose(
        one(lomb_scargle, time, mag, freq),
        one(lomb_scargle, time, mag, freq, "reference"),
        rtol=1e-9,
        atol=1e-11,
    )


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_contract_is_checked(algorithm):
    time, mag = np.arange(30.0), np.arange(30.0)
    with pytest.raises(
        ValueError, match="backend='gpu' is unknown; expected one of reference, cpu"
    ):
        one(algorithm, time, mag, GRID, "gpu")
    with pytest.raises(ValueError, match=r"mag has shape \(3,\), but offsets end at 30"):
        one(algorithm, time, mag[:3], GRID)
    with pytest.raises(ValueError, match="expected \\(n_freq,\\) positive finite"):
        one(algorithm, time, mag, np.array([0.0, 1.0]))
