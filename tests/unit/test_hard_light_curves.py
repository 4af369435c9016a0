"""Light curves that no period can be made of, and some that only look so."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from udfs.light_curve_features import FeatureSettings, light_curve_features
from udfs.periodograms.grid import PeriodSearchSettings
from udfs.periods.trees import read_ranking_model
from udfs.schemas import GRID_ALGORITHMS

PROJECT = Path(__file__).resolve().parents[2]
MODEL = read_ranking_model(PROJECT / "conf" / "period_choice.json")


def features_of(*curves, baseline_day=300.0, max_freq=2.0, **changes):
    """Features of (time, mag) pairs, every epoch kept."""
    settings = FeatureSettings(
        period_search=PeriodSearchSettings(max_freq_per_day=max_freq),
        ranking=MODEL, min_epochs=1, min_gap_minutes=0.0,
    )  # fmt: skip
    time, mag = (np.concatenate([np.asarray(c[k], float) for c in curves]) for k in (0, 1))
    offsets = np.concatenate([[0], np.cumsum([len(c[0]) for c in curves])]).astype(np.int64)
    number = np.arange(len(curves))
    return light_curve_features(
        time, mag, np.full(time.size, 0.02), np.zeros(time.size, np.int64), offsets,
        band=np.zeros_like(number), star=number, baseline_day=baseline_day,
        settings=dataclasses.replace(settings, **changes),
    )  # fmt: skip


def sine(time, period, rng, amplitude=0.3):
    noise = rng.normal(0, 0.02, np.size(time))
    return time, 17 + amplitude * np.sin(2 * np.pi * time / period) + noise


def assert_no_period(columns, i, status):
    for algorithm in GRID_ALGORITHMS:
        assert np.isnan(columns[f"period_{algorithm}"][i])
        assert np.isnan(columns[f"significance_{algorithm}"][i])
    assert np.isnan(columns["period_BEST"][i])
    assert np.isnan(columns["false_alarm_probability"][i])
    assert columns["n_harmonics"][i] == 0
    assert columns["period_status"][i] == status


@pytest.mark.parametrize("times", ["auto", "shared", "exact"])
@pytest.mark.parametrize("mode", ["fixed", "scope-v0.9.5"])
def test_a_curve_without_period_has_none_made_up(rng, times, mode):
    time = np.sort(rng.uniform(58000, 58300, 70))
    bad = [
        (time[:1], [17.0]),
        (time, np.full(70, 17.0)),
        (np.full(30, 58000.0), rng.normal(17, 0.1, 30)),
        (time[:3], rng.normal(17, 0.1, 3)),
        (time, np.full(70, np.nan)),
    ]
    if times == "shared":
        # Two epochs of one curve at one time are two exposures to nobody.
        bad.pop(2)
    good = sine(time, 3.21, rng)
    search = PeriodSearchSettings(max_freq_per_day=2.0, times=times)
    block = features_of(*bad, good, mode=mode, period_search=search)
    # The curve of NaN has no epoch left and no row.
    assert block.status.tolist().count("too_few_epochs") == 1
    columns = block.columns
    last = len(bad) - 1
    for i in range(last):
        if mode == "fixed":
            assert_no_period(columns, i, "no_usable_curve")
        assert np.isnan(columns["period_ELS"][i])
    assert abs(columns["period_ELS"][last] / 3.21 - 1) < 0.01
    if mode == "fixed":
        assert columns["period_status"][last] == "ok"


@pytest.mark.parametrize("times", ["shared", "exact"])
def test_twenty_thousand_epochs(rng, times):
    time = 58000 + 300 * (np.arange(20_000) + rng.uniform(0.2, 0.8, 20_000)) / 20_000
    search = PeriodSearchSettings(max_freq_per_day=0.4, times=times)
    columns = features_of(sine(time, 5.4321, rng), period_search=search, max_freq=0.4).columns
    assert columns["n"][0] == 20_000
    assert columns["period_BEST"][0] == pytest.approx(5.4321, rel=1e-3)
    # One point of the grid is a tenth of a peak.
    assert 1 / columns["period_EAOV"][0] == pytest.approx(1 / 5.4321, abs=0.5 / 300)


def test_one_night(rng):
    time = np.sort(rng.uniform(58000.2, 58000.6, 200))
    columns = features_of(sine(time, 0.0432, rng), baseline_day=np.ptp(time), max_freq=48.0).columns
    assert columns["period_BEST"][0] == pytest.approx(0.0432, rel=1e-2)


def test_twenty_years(rng):
    time = np.sort(rng.uniform(51000, 58300, 200))
    columns = features_of(
        sine(time, 1234.5, rng), sine(time, 0.765432, rng), baseline_day=7300.0, max_freq=2.0
    ).columns
    assert columns["period_BEST"][0] == pytest.approx(1234.5, rel=1e-2)
    assert columns["period_BEST"][1] == pytest.approx(0.765432, rel=1e-5)
