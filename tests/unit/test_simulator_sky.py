import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import AltAz, EarthLocation, SkyCoord, get_body
from astropy.time import Time
from astropy.utils import iers

from udfs.errors import ContractError
from udfs.simulator import QuadrantSpec, simulate_stars
from udfs.simulator.ephemeris import (
    heliocentric_delay,
    moon_direction,
    sine_of_altitude,
    sun_vector,
)
from udfs.simulator.sky import field_centre, quadrant_centre, source_number, unit_vector

MJD = np.linspace(58197.3, 60000.3, 200)


@pytest.fixture(autouse=True)
def no_download():
    with iers.conf.set_temp("auto_download", False):
        yield


def _angle_deg(a, b):
    return np.degrees(np.arccos(np.clip(np.sum(a * b, axis=1), -1, 1)))


def _unit(body):
    xyz = body.cartesian.xyz.to_value(u.au).T
    return xyz / np.linalg.norm(xyz, axis=1, keepdims=True)


def test_sun_and_moon_agree_with_astropy():
    time = Time(MJD, format="mjd", scale="utc")
    sun = sun_vector(MJD)
    sun /= np.linalg.norm(sun, axis=1, keepdims=True)
    # The almanac's 0.01 deg, and precession since J2000, which astropy takes out (0.3 deg).
    assert _angle_deg(sun, _unit(get_body("sun", time))).max() < 0.4
    # Only the three largest terms of the longitude are kept.
    assert _angle_deg(moon_direction(MJD), _unit(get_body("moon", time))).max() < 1.5


def test_altitude_agrees_with_astropy():
    place = EarthLocation(lat=33.358 * u.deg, lon=-116.860 * u.deg, height=0 * u.m)
    star = SkyCoord(200.0 * u.deg, 30.0 * u.deg)
    time = Time(MJD + np.linspace(0, 1, MJD.size), format="mjd", scale="utc")
    expected = star.transform_to(AltAz(obstime=time, location=place)).alt.deg
    sine = sine_of_altitude(
        time.mjd, unit_vector(200.0, 30.0), latitude_deg=33.358, longitude_deg=-116.860
    )
    # Precession since J2000 is ignored: 0.3 deg.
    np.testing.assert_allclose(np.degrees(np.arcsin(sine)), expected, atol=0.4)


def test_heliocentric_time_agrees_with_astropy():
    star = SkyCoord(310.0 * u.deg, -20.0 * u.deg)
    centre_of_earth = EarthLocation.from_geocentric(0, 0, 0, unit=u.m)
    time = Time(MJD, format="mjd", scale="utc", location=centre_of_earth)
    expected = time.light_travel_time(star, kind="heliocentric").to_value(u.s)
    delay = heliocentric_delay(sun_vector(MJD), unit_vector(310.0, -20.0)) * 86400
    # 0.3 deg of precession on 499 s of light time.
    np.testing.assert_allclose(delay, expected, atol=3.0)


@pytest.mark.data
def test_heliocentric_time_agrees_with_irsa(data_dir):
    pd = pytest.importorskip("pandas")
    rows = pd.read_parquet(data_dir / "ztf_irsa_eclipsing" / "ztf_irsa_rows.parquet")
    rows = rows[rows.exptime == 30.0]
    for _, star in list(rows.groupby("oid"))[::20]:
        mjd = star.mjd.to_numpy() + 15.0 / 86400
        delay = heliocentric_delay(
            sun_vector(mjd), unit_vector(star.ra.median(), star.dec.median())
        )
        hmjd = star.hjd.to_numpy() - 2400000.5
        # 3 s: precession as above, and 1 s: hjd is printed to 6 digits, exposures differ a bit.
        np.testing.assert_allclose(mjd + delay, hmjd, atol=4.0 / 86400, rtol=0)


def test_ids_are_those_of_the_data_release():
    # The first source of the real bulk file of field 250, g, ccd 1, quadrant 1, and one of
    # field 202, g, ccd 16, quadrant 2.
    assert source_number(QuadrantSpec(250), 1, 1) == 250101100000001
    assert source_number(QuadrantSpec(202, 16, 2), 1, 13) == 202116200000013
    assert QuadrantSpec(202, 16, 2).rcid == 61


@pytest.mark.data
def test_field_centres_are_near_the_published_ones(data_dir):
    table = data_dir / "catalogs" / "ztf_information_ZTF_Fields.txt"
    rows = [line.split()[:3] for line in table.read_text().splitlines() if line[0] != "%"]
    for number, ra, dec in ((int(r[0]), float(r[1]), float(r[2])) for r in rows):
        if number > 868:
            continue
        our_ra, our_dec = field_centre(QuadrantSpec(number))
        separation = SkyCoord(ra, dec, unit="deg").separation(SkyCoord(our_ra, our_dec, unit="deg"))
        assert separation.deg < 1.7, number


@pytest.mark.data
def test_quadrants_lie_where_the_real_ones_do(data_dir):
    pd = pytest.importorskip("pandas")
    rows = pd.read_parquet(data_dir / "ztf_dr5_field" / "ztf_000250_zg_c01_q1_dr5.parquet")
    # Centre of field 250 as published.
    ra, dec = quadrant_centre(QuadrantSpec(250, centre_deg=(38.06, -24.25)))
    assert rows.objra.min() - 0.3 < ra < rows.objra.max() + 0.3
    assert rows.objdec.min() - 0.3 < dec < rows.objdec.max() + 0.3


def test_stars_lie_in_their_quadrant():
    spec = QuadrantSpec(487, 7, 3, n_stars=50)
    truth = simulate_stars(spec, 0, 50).truth
    ra, dec = quadrant_centre(spec)
    stars = SkyCoord(truth["ra"].to_numpy(), truth["dec"].to_numpy(), unit="deg")
    east, north = SkyCoord(ra, dec, unit="deg").spherical_offsets_to(stars)
    # Half a side, and the rotation of north across a field (2 % of a degree).
    assert np.abs(east.deg).max() < 0.46
    assert np.abs(north.deg).max() < 0.46
    assert np.abs(east.deg).max() > 0.35


def test_field_outside_the_grid_needs_a_centre():
    with pytest.raises(ContractError, match="centre_deg"):
        field_centre(QuadrantSpec(1400))
    assert field_centre(QuadrantSpec(1400, centre_deg=(10.0, 20.0))) == (10.0, 20.0)
