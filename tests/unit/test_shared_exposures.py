"""Light curves over shared exposures, against the same curves one by one."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from udfs.cleaning import CleaningSettings, clean_epochs
from udfs.periodograms.aov import aov
from udfs.periodograms.aov import block_cpu as aov_block
from udfs.periodograms.conditional_entropy import block_cpu as entropy_block
from udfs.periodograms.conditional_entropy import conditional_entropy
from udfs.periodograms.exposures import exposure_block, shared_exposures
from udfs.periodograms.folding import fold_exposures
from udfs.periodograms.grid import PeriodSearchSettings, full_grid
from udfs.periodograms.lomb_scargle import block_cpu as lomb_scargle_block
from udfs.periodograms.lomb_scargle import lomb_scargle
from udfs.periodograms.multi_harmonic import block_cpu as multi_harmonic_block
from udfs.periodograms.multi_harmonic import multi_harmonic
from udfs.periodograms.plan import plan_parts
from udfs.periodograms.search import search_periods
from udfs.periodograms.tiles import TILE

SECOND = 1 / 86_400


@dataclass(frozen=True)
class Sky:
    time: np.ndarray
    mag: np.ndarray
    magerr: np.ndarray
    offsets: np.ndarray
    period: np.ndarray


@pytest.fixture
def sky(rng):
    """Sources of one quadrant: the same exposures, a tenth of them missing at random."""

    def make(sources, exposures=150, *, jitter_s=0.0, nightly=False):
        if nightly:
            night = np.sort(rng.choice(1700, exposures, replace=False))
            shared = 58000 + night + rng.uniform(0.30, 0.32, exposures)
        else:
            shared = 58000 + np.sort(rng.uniform(0, 1700, exposures))
        period = rng.uniform(0.3, 3.0, sources)
        times, mags = [], []
        for p in period:
            seen = rng.random(exposures) < 0.9
            # All begin with the first exposure: phases of binned statistics count from there.
            seen[0] = True
            t = shared[seen] + jitter_s * SECOND * rng.uniform(-1, 1, seen.sum())
            times.append(t)
            mags.append(17 + 0.3 * np.sin(2 * np.pi * t / p) + rng.normal(0, 0.05, t.size))
        offsets = np.concatenate([[0], np.cumsum([t.size for t in times])]).astype(np.int64)
        time, mag = np.concatenate(times), np.concatenate(mags)
        return Sky(time, mag, rng.uniform(0.02, 0.06, time.size), offsets, period)

    return make


def block_of(sky):
    weight = 1 / sky.magerr**2
    return exposure_block(shared_exposures(sky.time), sky.time, sky.mag, weight, sky.offsets)


def all_tiles(kernel, block, sky, *stretch):
    sources = sky.offsets.size - 1
    tiles = [kernel(block, tile, *stretch) for tile in range(-(-sources // TILE))]
    return np.concatenate(tiles, axis=-1)[..., :sources]


def curves_of(sky):
    return sky.time, sky.mag, sky.offsets


@pytest.mark.parametrize("sources", [1, 63, 64, 130])
def test_lomb_scargle_of_a_block_is_that_of_its_curves(sky, sources):
    # Rounding of single precision: some 1e-7 of the total power, which is n / 8 at most.
    some = sky(sources)
    freq = np.linspace(0.9, 1.2, 257)
    block = lomb_scargle_block.prepare(block_of(some))
    exact = lomb_scargle(*curves_of(some), freq, backend="reference")
    waves = lomb_scargle_block.stretch(block, freq)
    actual = all_tiles(lomb_scargle_block.power, block, some, waves)
    np.testing.assert_allclose(actual.T, exact, atol=2e-5)


@pytest.mark.parametrize("sources", [1, 64, 130])
@pytest.mark.parametrize("harmonics", [1, 3])
def test_harmonic_fits_of_a_block_are_those_of_its_curves(sky, sources, harmonics):
    some = sky(sources)
    freq = np.linspace(0.9, 1.2, 101)
    block = multi_harmonic_block.prepare(block_of(some))
    waves = multi_harmonic_block.stretch(block, freq, harmonics=harmonics)
    actual = all_tiles(multi_harmonic_block.reductions, block, some, waves)
    exact = multi_harmonic(
        some.time, some.mag, some.magerr, some.offsets, freq,
        backend="reference", harmonics=harmonics,
    )  # fmt: skip
    scale = exact.max(axis=(1, 2))
    difference = np.abs(actual.transpose(2, 1, 0) - exact).max(axis=(1, 2))
    assert (difference < 1e-4 * scale).all()


# 400 nights at the same hour: folded at one cycle a day, hundreds of epochs share a phase bin, and
# counts of four and of eight bits overflow unless they are spread in time.
@pytest.mark.parametrize(("exposures", "nightly"), [(150, False), (400, True)])
@pytest.mark.parametrize("phase_bins", [20, 7])
def test_aov_of_a_block_is_that_of_its_curves(sky, exposures, nightly, phase_bins):
    some = sky(70, exposures, nightly=nightly)
    freq = np.concatenate([np.linspace(0.9, 1.2, 97), [1.0]])
    block = block_of(some)
    fold = fold_exposures(block.time, freq, phase_bins=phase_bins)
    actual = all_tiles(aov_block.theta, aov_block.prepare(block), some, fold)
    exact = aov(*curves_of(some), freq, backend="reference", phase_bins=phase_bins)
    np.testing.assert_allclose(actual.T, exact, rtol=1e-4)


@pytest.mark.parametrize(("exposures", "nightly"), [(150, False), (400, True)])
@pytest.mark.parametrize("mag_bins", [10, 5, 3])
def test_entropy_of_a_block_is_that_of_its_curves(sky, exposures, nightly, mag_bins):
    some = sky(70, exposures, nightly=nightly)
    freq = np.concatenate([np.linspace(0.9, 1.2, 97), [1.0]])
    block = block_of(some)
    fold = fold_exposures(block.time, freq, phase_bins=20)
    counts = entropy_block.prepare(block, mag_bins=mag_bins)
    actual = all_tiles(entropy_block.entropy, counts, some, fold)
    exact = conditional_entropy(*curves_of(some), freq, backend="reference", mag_bins=mag_bins)
    np.testing.assert_allclose(actual.T, exact, rtol=1e-5, atol=1e-5)


def test_too_many_magnitude_bins_are_refused(sky):
    with pytest.raises(ValueError, match="mag_bins=11, but shared exposures allow 10"):
        entropy_block.prepare(block_of(sky(2)), mag_bins=11)


def test_exposures_are_told_apart_by_the_gap_between_them():
    time = 58000 + SECOND * np.array([2.0, 40.0, 0.0, 4.0, 43.0, 90.0])
    exposures = shared_exposures(time)
    assert exposures.index.tolist() == [0, 1, 0, 0, 1, 2]
    expected = np.array([2.0, 41.5, 90.0])
    np.testing.assert_allclose((exposures.time - 58000) / SECOND, expected, atol=1e-4)
    assert exposures.largest_shift_day == pytest.approx(2 * SECOND, rel=1e-4)


def test_a_curve_with_two_epochs_in_one_exposure_cannot_share():
    time = 58000 + SECOND * np.array([0.0, 5.0, 900.0])
    with pytest.raises(ValueError, match="two epochs in one exposure"):
        exposure_block(shared_exposures(time), time, time, time, np.array([0, 3]))


def search(sky, freq, *, times, mode="fixed", **settings):
    number = np.arange(sky.offsets.size - 1)
    return search_periods(
        sky.time, sky.mag, sky.magerr, sky.offsets, freq,
        band=np.zeros_like(number), star=number,
        settings=PeriodSearchSettings(times=times, **settings), mode=mode, backend="cpu",
    )  # fmt: skip


@pytest.fixture
def freq():
    return full_grid(1700.0, PeriodSearchSettings(max_freq_per_day=3.4))


def test_sharing_times_costs_no_period(sky, freq):
    # Exposures of a quadrant differ by a few seconds, here by up to 3.5 on either side: 1.4e-4
    # cycles at the end of this grid.
    some = sky(70, 120, jitter_s=3.5)
    shared, exact = (search(some, freq, times=t) for t in ("shared", "exact"))
    assert set(shared.times) == {"shared"}
    assert set(exact.times) == {"exact"}
    np.testing.assert_array_equal(shared.period[:, 0], exact.period[:, 0])
    np.testing.assert_allclose(shared.significance[:, 0], exact.significance[:, 0], rtol=1e-3)
    # Bins are steps: an epoch near an edge may change sides, and a near tie with it.
    assert (shared.period == exact.period).mean() > 0.95
    np.testing.assert_array_equal(shared.candidates[:, :, 0], exact.candidates[:, :, 0])
    right = [np.abs(best.period[:, 3] / some.period - 1) < 0.01 for best in (shared, exact)]
    np.testing.assert_array_equal(*right)
    assert np.mean(right) > 0.9


@pytest.mark.data
def test_sharing_costs_next_to_nothing_on_a_real_quadrant(data_dir):
    """ZTF field 250, CCD 1, quadrant 1, g: 128 long curves, mostly of constant stars.

    Lomb-Scargle and the harmonic fits do not care where phase zero is: they must not change. The
    bins of AOV and conditional entropy begin elsewhere, and what is best in noise changes with
    them; so only the statistic of whole periodograms is held.
    """
    path = data_dir / "ztf_dr5_field" / "ztf_000250_zg_c01_q1_dr5.parquet"
    rows = pd.read_parquet(path)
    rows = rows[rows["nepochs"] >= 90].head(128)
    hmjd, mag, magerr, catflags = (
        np.concatenate(rows[c].to_list()).astype(float)
        for c in ("hmjd", "mag", "magerr", "catflags")
    )
    offsets = np.concatenate([[0], np.cumsum(rows["nepochs"])]).astype(np.int64)
    time, mag, magerr, offsets = clean_epochs(
        hmjd, mag, magerr, catflags.astype(int), offsets, settings=CleaningSettings(30.0)
    )
    quadrant = Sky(time, mag, magerr, offsets, np.empty(0))
    freq = full_grid(np.ptp(time), PeriodSearchSettings(max_freq_per_day=3.0))
    shared, exact = (search(quadrant, freq, times=t, max_freq_per_day=3.0)
                     for t in ("shared", "exact"))  # fmt: skip
    np.testing.assert_array_equal(shared.period[:, 0], exact.period[:, 0])
    np.testing.assert_allclose(shared.significance[:, 0], exact.significance[:, 0], rtol=1e-4)
    assert np.mean(shared.candidates[:, :, 0] == exact.candidates[:, :, 0]) > 0.99
    assert np.mean(shared.period[:, 1:] == exact.period[:, 1:]) > 0.85


def test_scope_mode_does_not_share_unasked(sky, freq):
    some = sky(70, 120)
    assert set(search(some, freq[:300], times="auto", mode="scope-v0.9.5").times) == {"exact"}
    assert set(search(some, freq[:300], times="shared", mode="scope-v0.9.5").times) == {"shared"}


def test_the_data_decide_whether_times_are_shared(sky, freq):
    some = sky(70, 120)
    assert set(search(some, freq[:600], times="auto").times) == {"shared"}
    # The same number of epochs at times of their own, as in a survey of single stars.
    alone = Sky(some.time + 1e-3 * np.arange(some.time.size), *[
        getattr(some, name) for name in ("mag", "magerr", "offsets", "period")
    ])  # fmt: skip
    assert set(search(alone, freq[:600], times="auto").times) == {"exact"}


def test_curves_of_other_times_do_not_change_or_swell_a_block(sky, freq):
    """Dates from two zero points in one block: each group is as if searched alone."""
    groups = [sky(70, 120), sky(66, 100)]
    groups[1] = replace(groups[1], time=groups[1].time + 5_000)
    order = np.random.default_rng(2).permutation(70 + 66)
    curves = [
        (s.time[i:j], s.mag[i:j], s.magerr[i:j])
        for s in groups for i, j in pairwise(s.offsets)
    ]  # fmt: skip
    mixed = [curves[k] for k in order]
    offsets = np.concatenate([[0], np.cumsum([t.size for t, _, _ in mixed])]).astype(np.int64)
    flat = (np.concatenate([c[k] for c in mixed]) for k in range(3))
    found = search(Sky(*flat, offsets, np.empty(0)), freq, times="auto")
    alone = [search(s, freq, times="auto") for s in groups]
    assert set(found.times) == {"shared"}
    for name in ("period", "significance", "candidates"):
        expected = np.concatenate([getattr(a, name) for a in alone])[order]
        # The order of the columns rounds the sums in another way.
        np.testing.assert_allclose(getattr(found, name), expected, rtol=1e-8, err_msg=name)


def test_parts_are_the_curves_whose_times_overlap_band_by_band():
    ranges = [(0, 100), (5000, 5100), (190, 300), (95, 200), (300.00005, 350), (10, 20), (0, 10),
              (20, 30)]  # fmt: skip
    band = np.array([1, 1, 1, 1, 1, 1, 2, 2])
    time = np.concatenate([np.linspace(*r, 30) for r in ranges])
    parts = plan_parts(
        time, np.sin(time), np.ones(time.size), np.arange(0, time.size + 1, 30),
        band=band, chosen=np.array([True] * 7 + [False]), top_freq=1.0,
        settings=PeriodSearchSettings(times="shared"), backend="cpu",
    )  # fmt: skip
    # The second overlaps no other; the fifth begins 4 s after the third ends: one exposure.
    assert [part.curves.tolist() for part in parts] == [[0, 2, 3, 4, 5], [1], [6]]


def test_sharing_is_refused_where_it_would_move_phases(sky):
    # Nine seconds are 0.01 cycles at 96 a day.
    some = sky(70, 120, jitter_s=4.9)
    high = np.linspace(95.0, 200.0, 600)
    with pytest.raises(ValueError, match="times='shared', but in band 0 an epoch lies"):
        search(some, high, times="shared", max_freq_per_day=200.0)
    assert set(search(some, high, times="auto", max_freq_per_day=200.0).times) == {"exact"}


def test_a_source_without_epochs_or_change_has_no_period(sky, freq):
    some = sky(66)
    mag = some.mag.copy()
    mag[: some.offsets[1]] = 17.0
    offsets = np.concatenate([some.offsets, some.offsets[-1:]])
    found = search(Sky(some.time, mag, some.magerr, offsets, some.period), freq, times="auto")
    for i in (0, 66):
        assert np.isnan(found.period[i]).all()
        assert np.isnan(found.candidates[i]).all()
    assert np.isfinite(found.period[1:66]).all()
