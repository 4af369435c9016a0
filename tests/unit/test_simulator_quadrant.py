import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.timeseries import LombScargle

from udfs.errors import ContractError
from udfs.positions import iau_names
from udfs.simulator import (
    LIGHT_CURVE_SCHEMA,
    TRUTH_SCHEMA,
    QuadrantSpec,
    exposures,
    simulate_stars,
)
from udfs.simulator.spec import Population

BRIGHT = Population(bright_mag=14.0, faint_mag=16.0)


def _bright_stars(name, n=4):
    spec = QuadrantSpec(
        579, n_stars=n, seed=21, class_mix={name: 1.0}, population=BRIGHT, years=4, bands=("r",)
    )
    return simulate_stars(spec, 0, n)


def _best_frequency(row, low, high):
    clean = np.array(row["catflags"]) == 0
    time, mag, err = (np.array(row[c])[clean] for c in ("hmjd", "mag", "magerr"))
    # Single wild epochs are part of the simulation, not of this test.
    near = np.abs(mag - np.median(mag)) < 1.5 * np.ptp(np.percentile(mag, [2, 98]))
    step = 0.2 / np.ptp(time)
    freq = np.arange(low, high, step)
    power = LombScargle(time[near], mag[near], err[near]).power(
        freq, method="fast", assume_regular_frequency=True
    )
    return freq[np.argmax(power)]


@pytest.mark.parametrize(
    ("name", "low", "high", "harmonic"),
    [("rrab", 0.8, 5.0, 1), ("ew", 1.5, 12.0, 2), ("dscu", 3.0, 40.0, 1)],
)
def test_injected_periods_are_found(name, low, high, harmonic):
    stars = _bright_stars(name)
    for row, truth in zip(stars.light_curves.to_pylist(), stars.truth.to_pylist(), strict=True):
        expected = harmonic / truth["period_day"]
        # A quarter of the frequency resolution of four years; aliases are a whole one away.
        assert _best_frequency(row, low, high) == pytest.approx(expected, abs=0.25 / 1461)


def test_all_stars_share_the_exposures():
    spec = QuadrantSpec(487, 3, 2, n_stars=20)
    curves = simulate_stars(spec, 0, 20).light_curves.to_pylist()
    found = exposures(spec)
    for row in curves:
        shared, _ = found.band("_gri"[row["filterid"]])
        index = np.searchsorted(shared, np.array(row["hmjd"]) - 10 / 86400)
        # Heliocentric times differ by up to 5 s over the half diagonal of a quadrant.
        assert np.abs(shared[index] - row["hmjd"]).max() * 86400 < 6
        assert np.unique(index).size == index.size
    times = [row["hmjd"][0] for row in curves if row["filterid"] == 2]
    assert np.unique(times).size > 1


def test_bands_of_a_star_share_period_position_and_name():
    truth = simulate_stars(QuadrantSpec(487, n_stars=30, seed=1), 0, 30).truth.to_pandas()
    for _, star in truth.groupby(truth.source_id % 10**8):
        assert len(star) > 1
        assert star[["object_id", "class", "ra", "dec"]].drop_duplicates().shape[0] == 1
        assert star.period_day.nunique() <= 1
    assert truth.object_id.nunique() == 30


def test_rows_have_the_form_of_the_bulk_files():
    stars = simulate_stars(QuadrantSpec(250, 16, 2, n_stars=5, seed=9), 0, 5)
    assert stars.light_curves.schema == LIGHT_CURVE_SCHEMA
    assert stars.truth.schema == TRUTH_SCHEMA
    rows, truth = stars.light_curves.to_pylist(), stars.truth.to_pylist()
    for row, true in zip(rows, truth, strict=True):
        assert row["objectid"] == true["source_id"]
        assert row["rcid"] == 61 and row["fieldid"] == 250
        assert row["filterid"] == true["filter"]
        lengths = {len(row[c]) for c in ("hmjd", "mag", "magerr", "clrcoeff", "catflags")}
        assert lengths == {row["nepochs"]}
        assert np.all(np.diff(row["hmjd"]) > 0)
        position = np.array([row["objra"]]), np.array([row["objdec"]])
        assert iau_names(*position, prefix="ZTF") == [true["object_id"]]


@pytest.mark.data
def test_schema_is_that_of_the_real_file_but_for_the_times(data_dir):
    real = pq.read_schema(data_dir / "ztf_dr5_field" / "ztf_000250_zg_c01_q1_dr5.parquet")
    for field in LIGHT_CURVE_SCHEMA:
        if field.name == "hmjd":
            assert field.type == pa.list_(pa.float64())
        else:
            assert field.type == real.field(field.name).type


def test_class_mix_is_kept():
    spec = QuadrantSpec(487, n_stars=400, bands=("r",), years=0.5,
                        class_mix={"rrab": 1.0, "constant": 3.0}, population=BRIGHT)  # fmt: skip
    classes = simulate_stars(spec, 0, 400).truth["class"].to_pylist()
    # Three standard deviations of a binomial of 400 at 0.25.
    assert classes.count("rrab") == pytest.approx(100, abs=26)
    assert set(classes) == {"rrab", "constant"}


def test_counts_grow_towards_faint_stars():
    spec = QuadrantSpec(487, n_stars=300, bands=("r",), years=1, class_mix={"constant": 1.0})
    rows = simulate_stars(spec, 0, 300).light_curves.to_pylist()
    mag = np.array([np.median(row["mag"]) for row in rows])
    assert (mag > 18).sum() > 2 * (mag < 17).sum()
    assert mag.min() > 12.9


def test_empty_range_gives_empty_tables():
    stars = simulate_stars(QuadrantSpec(487, n_stars=5), 3, 3)
    assert stars.light_curves.num_rows == stars.truth.num_rows == 0
    assert stars.light_curves.schema == LIGHT_CURVE_SCHEMA


def test_short_survey_in_the_wrong_season_has_no_light_curves():
    # Eleven days of December 2018, 20 degrees from the Sun.
    spec = QuadrantSpec(487, n_stars=3, start_mjd=58470.0, years=0.03, centre_deg=(286.0, 4.5))
    assert simulate_stars(spec, 0, 3).light_curves.num_rows == 0


@pytest.mark.parametrize(("first", "last"), [(-1, 2), (0, 6), (4, 3)])
def test_range_outside_the_quadrant_is_refused(first, last):
    with pytest.raises(ContractError, match="range within 0..5"):
        simulate_stars(QuadrantSpec(487, n_stars=5), first, last)
