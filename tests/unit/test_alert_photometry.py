import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import EarthLocation, SkyCoord
from astropy.time import Time

from udfs.alerts.photometry import (
    apparent_mags,
    difference_flux,
    distinct_epochs,
    forced_flux,
    mid_exposure_hmjd,
    source_name,
    source_numbers,
)


def test_numbers_of_sources_are_exact_and_lead_back():
    names = ["ZTF17aaaaaaa", "ZTF17aaaaaab", "ZTF18zzzzzzz", "ZTF99zzzzzzz", "ZTF00aaaaaaa"]
    numbers = source_numbers(names, np.array([1, 2, 3, 1, 2]))
    assert numbers[0] == 17 * 26**7 * 10 + 1
    assert numbers[1] == numbers[0] + 10 + 1
    assert numbers[2] == (19 * 26**7 - 1) * 10 + 3
    assert [source_name(n) for n in numbers.tolist()] == list(
        zip(names, [1, 2, 3, 1, 2], strict=True)
    )


def test_names_of_another_form_meet_no_name_of_ztf():
    names = [f"ZTF24{i:07d}" for i in range(1000)] + ["ztf18abcdefg", "ZTF18abcdefgh", ""]
    fid = np.full(len(names), 2)
    numbers = source_numbers(names, fid)
    assert len(set(numbers.tolist())) == len(names)
    assert numbers.min() >= 2**62 and (numbers % 10 != 0).any()
    # The filters of one source differ, and the numbers are the same tomorrow.
    np.testing.assert_array_equal(source_numbers(names, fid - 1), numbers - 1)
    # As it was first computed: tables hold it.
    assert source_numbers(["ZTF240000001"], np.array([1]))[0] == 7_448_634_975_006_565_065


def test_known_magnitudes_come_back_from_their_differences():
    """A star between 17 and 19 mag over a reference of 18: what the packets would say of it."""
    rng = np.random.default_rng(1)
    truth = rng.uniform(17.0, 19.0, 1000)
    change = 10 ** (-0.4 * truth) - 10 ** (-0.4 * 18.0)
    magpsf = -2.5 * np.log10(np.abs(change))
    flux, err = difference_flux(magpsf, np.full(1000, 0.1), (change > 0).astype(float))
    mag, mag_err = apparent_mags(flux, err, np.full(1000, 18.0))
    np.testing.assert_allclose(mag, truth, atol=1e-9)
    # dm = 1.0857 df / f, and df / |difference| = 0.1 / 1.0857.
    expected = 0.1 * 10 ** (-0.4 * (magpsf - truth))
    np.testing.assert_allclose(mag_err, expected, rtol=1e-6)


def test_without_a_reference_the_difference_is_the_magnitude():
    flux, err = difference_flux(np.array([19.0, 19.0]), np.array([0.1, 0.1]), np.array([1.0, 0.0]))
    mag, mag_err = apparent_mags(flux, err, np.full(2, np.inf))
    np.testing.assert_allclose([mag[0], mag_err[0]], [19.0, 0.1])
    assert np.isnan(mag[1]) and np.isnan(mag_err[1])


@pytest.mark.parametrize("positive, reference", [(0.0, 19.5), (np.nan, 15.0), (1.0, np.nan)])
def test_what_has_no_magnitude_is_nan(positive, reference):
    flux, err = difference_flux(np.array([19.0]), np.array([0.1]), np.array([positive]))
    assert np.isnan(apparent_mags(flux, err, np.array([reference]))).all()


def test_forced_photometry_agrees_with_its_detection():
    """100 DN at a zero point of 26 are 21 mag; failed fits are nothing."""
    counts = np.array([100.0, -100.0, -99_999.0, 100.0, 100.0, np.nan])
    counts_err = np.array([10.0, 10.0, 10.0, -99_999.0, 10.0, 10.0])
    zero_point = np.array([26.0, 26.0, 26.0, 26.0, np.nan, 26.0])
    flux, err = forced_flux(counts, counts_err, zero_point)
    seen, seen_err = difference_flux(np.array([21.0]), np.array([0.10857]), np.array([1.0]))
    np.testing.assert_allclose(flux[:2], [seen[0], -seen[0]])
    np.testing.assert_allclose(err[0], seen_err[0], rtol=1e-4)
    assert np.isnan(flux[2:]).all()


def test_heliocentric_time_agrees_with_astropy():
    rng = np.random.default_rng(2)
    mjd = np.sort(rng.uniform(58_000.0, 61_000.0, 50))
    ra, dec = rng.uniform(0, 360, 50), rng.uniform(-30, 90, 50)
    centre = EarthLocation.from_geocentric(0, 0, 0, unit=u.m)
    middle = Time(mjd, format="mjd", scale="utc", location=centre) + 15 * u.s
    star = SkyCoord(ra * u.deg, dec * u.deg)
    delay = middle.light_travel_time(star, kind="heliocentric", ephemeris="builtin")
    expected = middle.mjd + delay.to_value(u.day)
    found = mid_exposure_hmjd(mjd + 2_400_000.5, ra, dec)
    # 7 ms: UTC taken for TDB; a JD of 2.4 million days holds 40 microseconds.
    np.testing.assert_allclose(found, expected, rtol=0, atol=0.01 / 86_400)


@pytest.mark.data
def test_heliocentric_time_agrees_with_irsa(data_dir):
    pd = pytest.importorskip("pandas")
    rows = pd.read_parquet(data_dir / "ztf_irsa_eclipsing" / "ztf_irsa_rows.parquet")
    rows = rows[rows.exptime == 30.0].iloc[::100]
    jd = rows.mjd.to_numpy() + 2_400_000.5
    found = mid_exposure_hmjd(jd, rows.ra.to_numpy(float), rows.dec.to_numpy(float))
    hmjd = rows.hjd.to_numpy() - 2_400_000.5
    # 43 ms: hjd is printed to 6 digits; 21 ms: the observatory is not the centre of the Earth.
    np.testing.assert_allclose(found, hmjd, rtol=0, atol=0.07 / 86_400)


def test_times_that_cannot_be_stay_as_they_are():
    jd = np.array([np.nan, 1e9, -1.0, np.inf])
    found = mid_exposure_hmjd(jd, np.zeros(4), np.zeros(4))
    np.testing.assert_allclose(found, jd - 2_400_000.5, rtol=1e-9)
    assert mid_exposure_hmjd(np.array([]), np.array([]), np.array([])).size == 0


def test_of_each_exposure_the_epoch_of_lowest_rank_stays():
    second = 1 / 86_400
    hmjd = 60_000 + np.array([1.0, 0.0, 0.05 * second, 1.0 - 0.05 * second, 0.5, 0.0, 0.05])
    curve = np.array([0, 0, 0, 0, 0, 1, 1])
    rank = np.array([2, 3, 1, 2, 0, 0, 0])
    chosen, exposure = distinct_epochs(hmjd, curve, rank)
    # 1 and 2 are one exposure, 2 ranks first; 0 and 3 tie, the first stays.
    np.testing.assert_array_equal(chosen, [2, 4, 0, 5, 6])
    np.testing.assert_array_equal(exposure, [2, 0, 0, 2, 1, 3, 4])
    empty = np.array([], dtype=np.int64)
    assert distinct_epochs(empty.astype(float), empty, empty)[0].size == 0
