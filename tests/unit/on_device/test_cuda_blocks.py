"""The kernels for many sources over shared exposures."""

import numpy as np
import pytest
from numba import cuda

from udfs.periodograms import binned_cuda, folding_cuda
from udfs.periodograms.aov.reference import one_curve as aov_reference
from udfs.periodograms.conditional_entropy import magnitude_bins
from udfs.periodograms.conditional_entropy.reference import one_curve as entropy_reference
from udfs.periodograms.engine_cuda import SharedExposuresCuda
from udfs.periodograms.engines import OwnTimes, SharedExposures
from udfs.periodograms.folding import fold_exposures
from udfs.periodograms.grid import EXACT, SHARED, PeriodSearchSettings
from udfs.periodograms.lomb_scargle import block_cuda as lomb_scargle_block
from udfs.periodograms.lomb_scargle.reference import one_curve as lomb_scargle_reference
from udfs.periodograms.multi_harmonic import block_cuda as multi_harmonic_block
from udfs.periodograms.multi_harmonic.reference import one_curve as multi_harmonic_reference
from udfs.periodograms.plan import Part
from udfs.periodograms.running_best import RunningBest
from udfs.periodograms.running_best_cuda import RunningBestCuda
from udfs.periodograms.running_peaks import RunningPeaks
from udfs.periodograms.running_peaks_cuda import RunningPeaksCuda, add_to_stars, star_sums
from udfs.periodograms.search import search_periods
from udfs.periodograms.star_peaks_cuda import StarPeaksCuda
from udfs.periodograms.tiles import TILE

# One source more than fills the tiles of the tests, and 1/day, at which all nights coincide.
N_LC = 9
FREQ = np.array([0.013, 0.5, 1.0, 1.4324, 3.3, 17.0, 47.9])
pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered")


def nights(rng, n, span=1000):
    """One exposure a night, within minutes of the same hour: at 1/day all fall into few bins."""
    return 58000.0 + np.sort(rng.choice(span, n, replace=False)) + rng.uniform(0, 0.02, n)


def short_stretches():
    """The frequencies in stretches: nodes cover what lies between, and that takes time here."""
    return np.split(np.sort(FREQ), FREQ.size)


def each_source(block):
    """Elapsed times from the first exposure of the block, and which exposures a source has."""
    for s in range(block.n.size):
        seen = block.seen[:, s]
        yield s, seen, (block.time - block.time[0])[seen]


@pytest.mark.parametrize("n_exposures", [7, 90])
def test_fold_is_that_of_the_cpu(rng, n_exposures):
    time = nights(rng, n_exposures)
    elapsed = time - time[0]
    fold = folding_cuda.fold_exposures(cuda.to_device(elapsed), FREQ, phase_bins=6)
    expected = fold_exposures(time, FREQ, phase_bins=6)
    words, starts = fold.order.copy_to_host(), fold.starts.copy_to_host()
    rows = words.view(np.uint16).reshape(FREQ.size, -1)
    for f in range(FREQ.size):
        for b in range(6):
            here = rows[f, 4 * starts[f, b] : 4 * starts[f, b + 1]]
            mine = expected.order[f, expected.starts[f, b] : expected.starts[f, b + 1]]
            gap = np.full(-mine.size % 4, n_exposures)
            np.testing.assert_array_equal(here, np.concatenate([mine, gap]))


@pytest.mark.parametrize(("phase_bins", "mag_bins"), [(20, 10), (3, 2), (5, 21)])
def test_entropy_and_aov_match_reference(make_block, rng, phase_bins, mag_bins):
    # 150 exposures: more than the six bits of a count hold.
    block = make_block(nights(rng, 150), N_LC)
    state = binned_cuda.prepare(block, phase_bins=phase_bins, mag_bins=mag_bins)
    entropy, theta = (a.copy_to_host() for a in binned_cuda.powers(state, FREQ))
    assert np.isnan(entropy[:, N_LC:]).all() and np.isnan(theta[:, N_LC:]).all()
    assert np.isnan(entropy[:, 0]).all(), "no point"
    assert np.isnan(theta[:, :2]).all(), "no more points than bins"
    for s, seen, elapsed in each_source(block):
        scaled = block.scaled[seen, s]
        if s == 0:
            continue
        bins = magnitude_bins(scaled, mag_bins)
        expected = entropy_reference(elapsed, bins, FREQ, phase_bins=phase_bins, mag_bins=mag_bins)
        # n ln n is a whole number of units of 3e-7; 220 of them are summed over n points.
        np.testing.assert_allclose(entropy[:, s], expected, atol=1e-6)
        if s > 1:
            expected = aov_reference(elapsed, scaled, FREQ, phase_bins=phase_bins)
            # Magnitudes are whole numbers of 2e-7 of their range, the result is float32.
            np.testing.assert_allclose(theta[:, s], expected, rtol=2e-6, atol=1e-6)


def test_lomb_scargle_matches_reference(make_block, rng):
    block = make_block(nights(rng, 40), N_LC)
    state = lomb_scargle_block.prepare(block)
    power = np.concatenate(
        [lomb_scargle_block.power(state, f).copy_to_host() for f in short_stretches()]
    )
    assert np.isnan(power[:, 0]).all() and np.isnan(power[:, N_LC:]).all()
    for s, seen, elapsed in each_source(block):
        if s > 0:
            expected = lomb_scargle_reference(elapsed, block.scaled[seen, s], FREQ)
            # At 0.5 and 1/day the nights coincide and the sine has a thousandth of the weight, a
            # difference of float32 sums.
            np.testing.assert_allclose(power[:, s], expected, rtol=2e-4, atol=1e-6)
            at_ease = ~np.isin(FREQ, [0.5, 1.0])
            np.testing.assert_allclose(power[at_ease, s], expected[at_ease], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("harmonics", [1, 3])
def test_multi_harmonic_matches_reference(make_block, rng, harmonics):
    block = make_block(nights(rng, 40), N_LC)
    state = multi_harmonic_block.prepare(block)
    actual = np.concatenate(
        [
            multi_harmonic_block.reductions(state, f, harmonics=harmonics).copy_to_host()
            for f in short_stretches()
        ],
        axis=1,
    )
    for s, seen, elapsed in each_source(block):
        if s > 0:
            expected = multi_harmonic_reference(
                elapsed, block.deviation[seen, s], block.weight[seen, s], FREQ, harmonics=harmonics
            )
            # The ridge of 1e-3 bounds how much the rounding of float32 sums can grow.
            np.testing.assert_allclose(actual[:, :, s].T, expected, rtol=1e-3)


def test_results_do_not_change_from_run_to_run(make_block, rng):
    block = make_block(nights(rng, 40), N_LC)
    state = binned_cuda.prepare(block, phase_bins=20, mag_bins=10)
    first, again = ([a.copy_to_host() for a in binned_cuda.powers(state, FREQ)] for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_limits_of_the_words_are_named(make_block, rng, monkeypatch):
    block = make_block(nights(rng, 40), N_LC)
    with pytest.raises(ValueError, match="mag_bins=22, but the block kernel takes 2 to 21"):
        binned_cuda.prepare(block, phase_bins=20, mag_bins=22)
    monkeypatch.setattr(folding_cuda, "MAX_EXPOSURES", 39)
    state = binned_cuda.prepare(block, phase_bins=20, mag_bins=10)
    with pytest.raises(ValueError, match="40 shared exposures, but the block kernels take 39"):
        binned_cuda.powers(state, FREQ)


def test_running_best_is_that_of_the_cpu(rng):
    """Small whole numbers: many values are equal, and the first must win."""
    host, device = RunningBest(5, 6), RunningBestCuda(5, 6)
    for n_freq in (20, 9, 12):
        stretch = [rng.integers(0, 30, (n_freq, 8)).astype(np.float32) for _ in range(3)]
        host.add(*(values[:, :5] for values in stretch))
        device.add(*(cuda.to_device(values) for values in stretch))
    for actual, expected in zip(device.choice(), host.choice(), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-12)


def test_running_peaks_are_those_of_the_cpu(rng):
    host, device = RunningPeaks(5, 7), RunningPeaksCuda(5, 7)
    for n_freq in (1, 1, 25, 2, 10):
        # Each value twice: a maximum of two equal points is the second one.
        values = rng.uniform(0, 60, (n_freq, 5)).astype(np.float32).repeat(2, axis=0)
        values = values[n_freq == 1 :]
        host.add(values)
        device.add(cuda.to_device(values))
    for actual, expected in zip(device.peaks(), host.peaks(), strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_curves_are_summed_into_their_stars(rng):
    values = rng.uniform(size=(2, 3, 8)).astype(np.float32)
    total = star_sums(2, 3, 4)
    for scale in (1.0, 10.0):
        # The curves 1 and 3 are of one star.
        star, factor = np.array([3, 0, 1, 0]), scale * np.array([1.0, 2.0, 3.0, 4.0])
        add_to_stars(total, cuda.to_device(values), star=star, factor=factor)
    expected = np.zeros((2, 3, 4))
    expected[:, :, 0] = 2 * values[:, :, 1] + 4 * values[:, :, 3]
    expected[:, :, 1], expected[:, :, 3] = 3 * values[:, :, 2], values[:, :, 0]
    np.testing.assert_allclose(total.copy_to_host(), 11 * expected, rtol=1e-6)


def test_engine_chooses_as_that_of_the_cpu(make_block, rng):
    block = make_block(nights(rng, 30, span=40), N_LC)
    settings = PeriodSearchSettings(phase_bins=8, mag_bins=5, top_n=3)
    grid = np.linspace(1.3, 1.6, 20)
    engines = [SharedExposures(block, settings), SharedExposuresCuda(block, settings)]
    star, factor = np.zeros(N_LC, np.int64), np.full(N_LC, 0.5)
    for engine in engines:
        for stretch in (grid[:13], grid[13:]):
            engine.classic(stretch)
    (expected, sigmas), (index, significance) = (engine.choice() for engine in engines)
    # Not the sources without enough points.
    np.testing.assert_array_equal(index[2:], expected[2:])
    np.testing.assert_allclose(significance[2:], sigmas[2:], rtol=1e-4)
    shape = (2, grid.size, 2 * TILE)
    shares = np.zeros(shape)
    for first, values in engines[0].reductions(grid, 2):
        shares[:, :, first : first + values.shape[2]] = values
    (_, on_host), *_ = engines[1].reductions(grid, 2)
    scale = shares[:, :, 2:N_LC].max()
    np.testing.assert_allclose(on_host[:, :, 2:], shares[:, :, 2:N_LC], atol=1e-4 * scale)
    total = star_sums(2, grid.size, 1)
    engines[1].add_reductions(total, grid, star=star, factor=factor)
    np.testing.assert_allclose(total.copy_to_host()[:, :, 0], 0.5 * on_host.sum(axis=2), rtol=1e-5)


def test_stars_have_curves_of_both_engines(make_block, make_curves, rng):
    # Two harmonics: the grid lies between a third and a half of its end.
    settings = PeriodSearchSettings(phase_bins=8, mag_bins=5, peaks=4, max_freq_per_day=3.4)
    block, alone = make_block(nights(rng, 20, span=30), 4), make_curves(20, 25)
    own = OwnTimes(
        alone.time, alone.mag, 1 / alone.magerr**2, alone.offsets, settings=settings, backend="cpu"
    )
    parts = [
        Part(np.array([0, 1, 2, 3]), SHARED, SharedExposuresCuda(block, settings), np.full(4, 2.0)),
        Part(np.array([4, 5]), EXACT, own, np.array([3.0, 4.0])),
    ]
    star, grid = np.array([0, 1, 2, 0, 1, 2]), np.linspace(1.3, 1.6, 30)
    peaks = StarPeaksCuda(star, settings)
    for stretch in (grid[:17], grid[17:]):
        peaks.add(parts, stretch)
    total = np.zeros((2, grid.size, 3), np.float32)
    for part in parts:
        for first, values in part.engine.reductions(grid, 2):
            for s, column in enumerate(values.transpose(2, 0, 1), start=first):
                total[:, :, star[part.curves[s]]] += column * part.points_per_chi2[s]
    found = peaks.candidates(grid)
    for k in range(2):
        expected = RunningPeaks(3, 4)
        expected.add(total[k])
        index = expected.peaks()[0]
        np.testing.assert_array_equal(found[:, k], np.where(index >= 0, grid[index], np.nan))
    assert np.isnan(found[:, 2]).all()


@pytest.mark.parametrize("times", ["shared", "exact"])
def test_the_whole_search_is_that_of_the_cpu(rng, times):
    seen = rng.random((3, 40)) < 0.9
    seen[:, 0] = True
    time = np.sort(58000 + rng.uniform(0, 50, 40))
    curve, exposure = np.nonzero(seen)
    mag = 17 + np.sin(2 * np.pi * 1.45 * time[exposure]) + rng.normal(0, 0.3, curve.size)
    offsets = np.concatenate([[0], np.cumsum(seen.sum(axis=1))])
    settings = PeriodSearchSettings(
        phase_bins=8, mag_bins=5, top_n=3, peaks=3, times=times, max_freq_per_day=3.4
    )
    cpu, device = (
        search_periods(
            time[exposure], mag, np.full(mag.size, 0.3), offsets, np.linspace(1.4, 1.5, 20),
            band=np.zeros(3, np.int64), star=np.array([0, 1, 0]),
            settings=settings, mode="fixed", backend=backend,
        )
        for backend in ("cpu", "cuda")
    )  # fmt: skip
    assert set(device.times) == {times}
    np.testing.assert_array_equal(device.period, cpu.period)
    np.testing.assert_allclose(device.significance, cpu.significance, rtol=1e-3)
    np.testing.assert_array_equal(device.candidates, cpu.candidates)
