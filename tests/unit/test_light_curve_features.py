import dataclasses
from pathlib import Path

import numpy as np
import pytest

from udfs.features.fourier import fourier_features
from udfs.features.statistics import basic_statistics
from udfs.light_curve_features import FeatureSettings, cleaned_baseline, light_curve_features
from udfs.periodograms.grid import PeriodSearchSettings
from udfs.periods.trees import read_ranking_model
from udfs.schemas import (
    ALERT_CONTEXT,
    ALLWISE,
    CATALOGUE_IDS,
    FEATURES,
    FOURIER,
    GAIA,
    PS1,
    STATISTICS,
)

PROJECT = Path(__file__).resolve().parents[2]
SETTINGS = FeatureSettings(
    period_search=PeriodSearchSettings(max_freq_per_day=1.9),
    ranking=read_ranking_model(PROJECT / "conf" / "period_choice.json"),
)
BASELINE = 1700.0


def features(curves, settings=SETTINGS, flags=None):
    catflags = np.zeros(curves.time.size, np.int32) if flags is None else flags
    arrays = (curves.time, curves.mag.astype(np.float32), curves.magerr.astype(np.float32))
    number = np.arange(curves.offsets.size - 1)
    return light_curve_features(
        *arrays,
        catflags,
        curves.offsets,
        band=np.ones_like(number),
        star=number,
        baseline_day=BASELINE,
        settings=settings,
    )


def assert_same_columns(actual, expected):
    assert actual.keys() == expected.keys()
    for name in expected:
        np.testing.assert_array_equal(actual[name], expected[name], err_msg=name)


def test_columns_are_those_of_the_table(make_curves):
    columns = features(make_curves(60)).columns
    elsewhere = {
        "survey", "field", "ccd", "quad", "filter", "source_id", "object_id", "ra", "dec",
        "healpix", "input_hash", "code_version",
        *ALERT_CONTEXT, *ALLWISE, *GAIA, *PS1, *CATALOGUE_IDS,
    }  # fmt: skip
    assert set(columns) == set(FEATURES.schema.names) - elsewhere
    assert columns["dmdt"].shape == (1, 676)
    assert columns["dmdt"].dtype == np.float32
    assert set(columns["mode"]) == {"fixed"}
    assert set(columns["backend"]) == {"cpu"}
    assert columns["n_freq"].dtype == np.int32


def test_short_curves_have_a_status_and_no_row(make_curves):
    curves = make_curves(60, 49, 0, 70, 50)
    flags = np.zeros(229, np.int32)
    flags[:20] = 1
    block = features(curves, dataclasses.replace(SETTINGS, min_gap_minutes=0.0), flags)
    assert block.kept.tolist() == [3, 4]
    assert block.status.tolist() == ["too_few_epochs"] * 3 + ["ok", "ok"]
    assert block.columns["n"].tolist() == [70, 50]


def test_curves_of_julian_dates_among_modified_ones_have_a_status_and_no_row(make_curves):
    curves = make_curves(60, 70, 30, 80)
    alone = features(curves).columns
    time = curves.time.copy()
    # Half of the second curve; all of the third, which is too short; all of the last, whose own
    # span is that of a light curve.
    for part in (slice(60, 95), slice(130, 160), slice(160, 240)):
        time[part] += 2_400_000.5
    block = features(dataclasses.replace(curves, time=time))
    assert block.status.tolist() == ["ok", "baseline_too_long", "too_few_epochs", "ok"]
    assert block.kept.tolist() == [0, 3]
    for name, column in alone.items():
        np.testing.assert_array_equal(block.columns[name][0], column[0], err_msg=name)
    assert block.columns["period_BEST"][1] == pytest.approx(alone["period_BEST"][2], rel=1e-6)
    longer = PeriodSearchSettings(max_freq_per_day=1.9, max_baseline_day=3e6)
    n_clean, span_day = np.array([50, 49, 50]), np.array([2.4e6, 9.0, 4e4])
    assert SETTINGS.usable.status(n_clean, span_day).tolist() == [
        "baseline_too_long", "too_few_epochs", "ok",
    ]  # fmt: skip
    allowed = dataclasses.replace(SETTINGS, period_search=longer)
    assert allowed.usable.status(n_clean, span_day).tolist() == ["ok", "too_few_epochs", "ok"]


def test_no_curve_at_all(make_curves):
    for curves in (make_curves(), make_curves(10)):
        block = features(curves)
        assert block.kept.size == 0
        assert block.columns["period_ELS"].shape == (0,)
        assert block.columns["dmdt"].shape == (0, 676)


@pytest.mark.parametrize("mode", ["fixed", "scope-v0.9.5"])
def test_columns_come_from_the_clean_epochs(make_curves, mode):
    curves = make_curves(80, 90)
    flags = np.zeros(170, np.int32)
    flags[::9] = 4
    settings = dataclasses.replace(SETTINGS, mode=mode, min_gap_minutes=0.0)
    columns = features(curves, settings, flags).columns
    clean = flags[80:] == 0
    time, mag, magerr = (a[clean] for a in curves.one(1))
    mag, magerr = mag.astype(np.float32).astype(float), magerr.astype(np.float32).astype(float)
    offsets = np.array([0, time.size])
    statistics = basic_statistics(time, mag, magerr, offsets)[0]
    assert [columns[name][1] for name in STATISTICS] == statistics.tolist()
    for algorithm in ("ECE", "ELS_ECE_EAOV"):
        period = columns[f"period_{algorithm}"][1:]
        # The phases are those of heliocentric Julian dates.
        series = fourier_features(
            time, mag, magerr, offsets, period, mode=mode, epoch_offset_day=2400000.5
        )[0]
        assert [columns[f"{name}_{algorithm}"][1] for name in FOURIER] == series.tolist()
    assert ("f1_amp2_BEST" in columns) == (mode == "fixed")


def test_half_batches_equal_one_batch(make_curves):
    curves = make_curves(60, 75, 10, 55)
    whole = features(curves).columns
    cut = curves.offsets[2]
    halves = [
        type(curves)(curves.time[part], curves.mag[part], curves.magerr[part], offsets)
        for part, offsets in (
            (slice(None, cut), curves.offsets[:3]),
            (slice(cut, None), curves.offsets[2:] - cut),
        )
    ]
    parts = [features(half).columns for half in halves]
    joined = {name: np.concatenate([p[name] for p in parts]) for name in whole}
    assert_same_columns(joined, whole)


def test_baseline_counts_clean_epochs_only(make_curves):
    curves = make_curves(60, 0, 55)
    flags = np.zeros(115, np.int32)
    flags[[0, 59]] = 1
    settings = dataclasses.replace(SETTINGS, max_hmjd=59000.0, min_gap_minutes=0.0)
    n_clean, span_day = cleaned_baseline(
        curves.time, curves.mag, curves.magerr, flags, curves.offsets, settings=settings
    )
    first = curves.one(0)[0][1:-1]
    first = first[first <= 59000]
    last = curves.one(2)[0]
    last = last[last <= 59000]
    assert n_clean.tolist() == [first.size, 0, last.size]
    np.testing.assert_array_equal(span_day, [np.ptp(first), 0.0, np.ptp(last)])


@pytest.mark.parametrize(
    ("wrong", "message"), [({"mode": "v1"}, "mode='v1'"), ({"backend": "tpu"}, "backend='tpu'")]
)
def test_unknown_mode_and_backend(make_curves, wrong, message):
    with pytest.raises(ValueError, match=message):
        features(make_curves(60), dataclasses.replace(SETTINGS, **wrong))
