import numpy as np
import pytest

from udfs.simulator import QuadrantSpec, exposures
from udfs.simulator.ephemeris import sine_of_altitude, sun_vector
from udfs.simulator.sky import field_centre, unit_vector

FIELDS = (411, 487, 579, 639, 690, 777)


def _nights(times):
    return np.unique(np.floor(times))


def test_same_seed_same_exposures_and_another_seed_others():
    first, again = exposures(QuadrantSpec(487, seed=4)), exposures(QuadrantSpec(487, seed=4))
    np.testing.assert_array_equal(first.mjd, again.mjd)
    np.testing.assert_array_equal(first.limit_mag, again.limit_mag)
    assert not np.array_equal(first.mjd[:50], exposures(QuadrantSpec(487, seed=5)).mjd[:50])


def test_quadrants_of_a_field_are_exposed_together():
    one, other = exposures(QuadrantSpec(487, 1, 1)), exposures(QuadrantSpec(487, 16, 3))
    np.testing.assert_array_equal(one.mjd, other.mjd)
    # The light arrives a few seconds apart across the 7 degrees of a field.
    shift = np.abs(one.hmjd - other.hmjd) * 86400
    assert 1 < shift.max() < 60


def test_exposures_are_taken_in_the_dark_with_the_field_up():
    spec = QuadrantSpec(487)
    mjd = exposures(spec).mjd
    place = {"latitude_deg": spec.site.latitude_deg, "longitude_deg": spec.site.longitude_deg}
    sun = sun_vector(mjd)
    sun /= np.linalg.norm(sun, axis=1, keepdims=True)
    # Visits lie between two steps of ten minutes that are dark, so no slack is needed.
    assert sine_of_altitude(mjd, sun, **place).max() < np.sin(np.radians(-14.0))
    up = sine_of_altitude(mjd, unit_vector(*field_centre(spec)), **place)
    assert up.min() > 1 / 2.5


def test_exposures_do_not_overlap_in_any_filter():
    mjd = np.sort(exposures(QuadrantSpec(579)).mjd)
    assert np.diff(mjd).min() * 86400 > 38.9


def test_full_moon_costs_depth():
    found = exposures(QuadrantSpec(579))
    hmjd, limit = found.band("g")
    # Mean lunations from the full moon of 2018 January 2, 2:24 UT.
    phase = ((hmjd - 58120.1) / 29.530589) % 1
    full, new = np.minimum(phase, 1 - phase) < 0.1, np.abs(phase - 0.5) < 0.2
    # Real g exposures: 20.0 within 0.1 of full moon, 21.2 within 0.2 of new moon.
    assert 0.6 < np.median(limit[new]) - np.median(limit[full]) < 1.4


@pytest.mark.parametrize(("band", "few", "many"), [("g", 200, 700), ("r", 250, 2000)])
def test_epochs_and_gaps_are_those_of_the_public_survey(band, few, many):
    for field in FIELDS:
        hmjd, _ = exposures(QuadrantSpec(field, years=5.5)).band(band)
        gaps = np.diff(_nights(hmjd))
        assert few < hmjd.size < many
        assert 1 <= np.median(gaps) <= 3
        assert 3 <= np.percentile(gaps, 84) <= 8
        # One season a year: a gap of one to six months around the conjunction with the Sun.
        assert 4 <= (gaps > 30).sum() <= 12
        assert gaps.max() < 200


@pytest.mark.data
@pytest.mark.parametrize(("band", "code"), [("g", "zg"), ("r", "zr")])
def test_cadence_lies_within_the_spread_of_real_light_curves(data_dir, band, code):
    pd = pytest.importorskip("pandas")
    rows = pd.read_parquet(data_dir / "ztf_irsa_eclipsing" / "ztf_irsa_rows.parquet")
    # Fields up to 868 are the primary grid, which has both surveys; curves over all seasons.
    rows = rows[(rows.filtercode == code) & (rows.field <= 868)]
    real = [c.mjd.to_numpy() for _, c in rows.groupby("oid") if np.ptp(c.mjd) > 1800]
    ours = [
        exposures(QuadrantSpec(field, seed=seed, years=5.5)).band(band)[0]
        for field in FIELDS
        for seed in range(3)
    ]

    def nights_per_year(times):
        return _nights(times).size / (np.ptp(times) / 365.25)

    def gap(times, percent):
        return np.percentile(np.diff(_nights(times)), percent)

    for statistic in (
        nights_per_year,
        lambda t: gap(t, 50),
        lambda t: gap(t, 84),
        lambda t: gap(t, 95),
    ):
        low, high = np.min([statistic(t) for t in real]), np.max([statistic(t) for t in real])
        values = [statistic(t) for t in ours]
        assert low <= np.median(values) <= high
        # Single fields may fall a little outside the range that some 40 real curves span.
        assert min(values) >= 0.75 * low
        assert max(values) <= 1.25 * high


@pytest.mark.data
@pytest.mark.parametrize(("band", "code"), [("g", "zg"), ("r", "zr"), ("i", "zi")])
def test_depths_are_those_of_real_exposures(data_dir, band, code):
    pd = pytest.importorskip("pandas")
    rows = pd.read_parquet(data_dir / "ztf_irsa_eclipsing" / "ztf_irsa_rows.parquet")
    real = rows[(rows.filtercode == code) & (rows.exptime <= 60)].limitmag
    ours = np.concatenate([exposures(QuadrantSpec(f, seed=1)).band(band)[1] for f in FIELDS])
    # Real depths mix quadrants and two generations of references: 0.4 mag.
    np.testing.assert_allclose(
        np.percentile(ours, [16, 50, 84]), np.percentile(real, [16, 50, 84]), atol=0.4
    )
