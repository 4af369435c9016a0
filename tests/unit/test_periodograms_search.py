from dataclasses import dataclass

import numpy as np
import pytest

from udfs.periodograms.grid import TERRESTRIAL, PeriodSearchSettings, frequency_grid
from udfs.periodograms.search import search_periods
from udfs.schemas import GRID_ALGORITHMS


def test_grid_follows_its_formula():
    grid = frequency_grid(10.0, PeriodSearchSettings(max_freq_per_day=1.0, excluded_per_day=()))
    # From 2/10 in steps of 1/100 up to but not including 1.
    np.testing.assert_allclose(grid, np.arange(20, 100) / 100, rtol=1e-14)


def test_grid_of_a_survey_has_the_published_length():
    full = frequency_grid(1700.0, PeriodSearchSettings(excluded_per_day=()))
    assert full.size == np.ceil((48 - 2 / 1700) * 17000) == 815_980
    assert full[-1] < 48.0


def test_excluded_windows_are_closed_and_nothing_else_is_lost():
    settings = PeriodSearchSettings(max_freq_per_day=5.0)
    full = frequency_grid(1700.0, PeriodSearchSettings(max_freq_per_day=5.0, excluded_per_day=()))
    kept = frequency_grid(1700.0, settings)
    lost = np.setdiff1d(full, kept)
    inside = np.zeros(full.size, bool)
    for low, high in TERRESTRIAL:
        inside |= (full >= low) & (full <= high)
    np.testing.assert_array_equal(lost, full[inside])


def test_a_grid_point_on_the_edge_of_a_window_is_excluded():
    # Steps of 1/16: all exact. 0.25 and 0.5 are grid points.
    base = {"max_freq_per_day": 1.0, "samples_per_peak": 2}
    grid = frequency_grid(8.0, PeriodSearchSettings(**base, excluded_per_day=((0.25, 0.5),)))
    assert grid.tolist() == [9 / 16, 10 / 16, 11 / 16, 12 / 16, 13 / 16, 14 / 16, 15 / 16]


@pytest.mark.parametrize("baseline", [0.0, -1.0, np.nan, np.inf, 0.01])
def test_grid_refuses_a_baseline_without_frequencies(baseline):
    with pytest.raises(ValueError, match="baseline_day"):
        frequency_grid(baseline, PeriodSearchSettings())


def test_grid_refuses_a_baseline_of_centuries():
    settings = PeriodSearchSettings(max_freq_per_day=0.01)
    assert frequency_grid(40_000.0, settings).size > 0
    with pytest.raises(ValueError, match="baseline_day=2400000.5, expected max_baseline_day=40000"):
        frequency_grid(2_400_000.5, settings)


@pytest.mark.parametrize(
    "wrong",
    [
        {"top_n": 0},
        {"max_baseline_day": 0.0},
        {"phase_bins": 1},
        {"max_freq_per_day": -1.0},
        {"excluded_per_day": ((2, 1),)},
    ],
)
def test_settings_refuse_nonsense(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        PeriodSearchSettings(**wrong)


@dataclass(frozen=True)
class Curves:
    time: np.ndarray
    mag: np.ndarray
    magerr: np.ndarray
    offsets: np.ndarray


def search(curves, freq, *, mode="fixed", backend="cpu", star=None, band=None, **settings):
    number = np.arange(curves.offsets.size - 1)
    return search_periods(
        curves.time,
        curves.mag,
        curves.magerr,
        curves.offsets,
        freq,
        band=np.zeros_like(number) if band is None else np.array(band),
        star=number if star is None else np.array(star),
        settings=PeriodSearchSettings(**settings),
        mode=mode,
        backend=backend,
    )


@pytest.fixture
def freq():
    return frequency_grid(1700.0, PeriodSearchSettings(max_freq_per_day=1.9))


def test_all_algorithms_find_the_sine(make_curves, freq):
    best = search(make_curves(120, 300), freq)
    assert best.period.shape == (2, len(GRID_ALGORITHMS))
    # A tenth of a peak is one grid step.
    np.testing.assert_allclose(1 / best.period, 1 / 0.71234, atol=0.5 / 1700)
    assert (best.significance > 3).all()


def test_nested_choice_looks_only_at_the_best_of_the_other_two(make_curves, freq):
    curves = make_curves(300)
    alone = search(curves, freq, top_n=1)
    assert alone.period[0, 3] in alone.period[0, :2]
    everything = search(curves, freq, top_n=freq.size)
    assert everything.period[0, 3] == everything.period[0, 2]


def test_backends_agree(make_curves, freq):
    curves = make_curves(60, 90)
    part = freq[5000:9000]
    cpu, reference = (search(curves, part, backend=b) for b in ("cpu", "reference"))
    np.testing.assert_array_equal(cpu.period, reference.period)
    np.testing.assert_allclose(cpu.significance, reference.significance, rtol=1e-9)


def test_a_batch_equals_its_curves_one_by_one(make_curves, freq):
    curves = make_curves(60, 80, 55)
    together = search(curves, freq[:3000])
    for i in range(3):
        time, mag, magerr = curves.one(i)
        single = type(curves)(time, mag, magerr, np.array([0, time.size]))
        np.testing.assert_array_equal(search(single, freq[:3000]).period[0], together.period[i])


def test_scope_mode_rounds_all_periods_but_the_nested(make_curves, freq):
    curves = make_curves(100)
    fixed, scope = search(curves, freq), search(curves, freq, mode="scope-v0.9.5")
    np.testing.assert_array_equal(scope.period[:, :3], fixed.period[:, :3].astype(np.float32))
    assert scope.period[0, 3] == fixed.period[0, 3]
    assert scope.period[0, 0] != fixed.period[0, 0]


def test_constant_or_short_curves_have_no_period(make_curves, freq):
    curves = make_curves(60, 3)
    flat = type(curves)(curves.time, np.full(63, 15.0), curves.magerr, curves.offsets)
    for best in (search(flat, freq[:100]), search(make_curves(3), freq[:100])):
        assert np.isnan(best.period).all()
        assert np.isnan(best.significance).all()
        assert np.isnan(best.pdot).all()


def test_unknown_mode(make_curves, freq):
    with pytest.raises(ValueError, match="mode='scope' is unknown; expected one of fixed"):
        search(make_curves(30), freq, mode="scope")


def test_the_candidates_of_a_star_come_from_all_its_bands(rng, freq):
    """Two bands that agree outvote the noise of each: their statistics are added."""
    sizes, period = (45, 40), 0.71234
    time = np.concatenate([np.sort(rng.uniform(58000, 59700, n)) for n in sizes])
    mag = 17 + 0.1 * np.sin(2 * np.pi * time / period) + rng.normal(0, 0.08, time.size)
    curves = Curves(time, mag, np.full(time.size, 0.08), np.array([0, 45, 85]))
    together = search(curves, freq, star=[0, 0], band=[1, 2])
    assert together.candidates.shape[0] == 1
    assert abs(together.candidates[0, 0, 0] - 1 / period) < 0.5 / 1700
    alone = search(curves, freq)
    assert (np.abs(alone.candidates[:, 0, 0] - 1 / period) > 0.5 / 1700).any()


@pytest.mark.parametrize("times", ["shared", "exact"])
def test_a_grid_that_is_excluded_altogether_gives_no_period(make_curves, times):
    best = search(make_curves(60), np.linspace(0.96, 1.04, 50), times=times)
    assert np.isnan(best.period).all()
    assert np.isnan(best.significance).all()
    # The star's own search leaves nothing out.
    assert np.isfinite(best.candidates).any()


def test_scope_mode_has_no_candidates(make_curves, freq):
    assert np.isnan(search(make_curves(60), freq, mode="scope-v0.9.5").candidates).all()


def test_harmonics_beyond_the_grid_are_not_fitted(make_curves):
    """At most three harmonics below a third of the end, two below a half, one above."""
    settings = PeriodSearchSettings(max_freq_per_day=3.0, excluded_per_day=())
    candidates = search(
        make_curves(60), frequency_grid(300.0, settings), max_freq_per_day=3.0
    ).candidates[0]  # fmt: skip
    assert np.nanmax(candidates[2]) <= 1.0 < np.nanmax(candidates[1]) <= 1.5
    assert 1.5 < np.nanmax(candidates[0]) < 3.0


def test_stretches_of_the_grid_do_not_show(make_curves, freq, monkeypatch):
    curves = make_curves(60, 80)
    whole = search(curves, freq[:3000])
    monkeypatch.setattr("udfs.periodograms.search._VALUES", {"cpu": 1})
    monkeypatch.setattr("udfs.periodograms.search._FEWEST_FREQUENCIES", 701)
    parts = search(curves, freq[:3000])
    np.testing.assert_array_equal(parts.period, whole.period)
    np.testing.assert_allclose(parts.significance, whole.significance, rtol=1e-9)
    np.testing.assert_array_equal(parts.candidates[:, :, :5], whole.candidates[:, :, :5])
