import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord

from udfs.positions import cells_around, healpix_nested, iau_names, separation_arcsec


def test_names_agree_with_astropy():
    rng = np.random.default_rng(1)
    ra, dec = rng.uniform(0, 360, 200), rng.uniform(-90, 90, 200)
    sky = SkyCoord(ra * u.deg, dec * u.deg)
    expected = []
    for c in sky:
        # Truncated, not rounded: print two digits more than wanted and cut them off.
        right = c.ra.to_string(u.hour, sep="", precision=6, pad=True)[:9]
        down = c.dec.to_string(sep="", precision=6, alwayssign=True, pad=True)[:9]
        expected.append(f"ZTFJ{right}{down}")
    assert iau_names(ra, dec, prefix="ZTF") == expected


def test_a_round_position_is_not_cut_short():
    assert iau_names(np.array([15.0]), np.array([-0.1]), prefix="ZTF") == ["ZTFJ010000.00-000600.0"]


def test_nested_pixels_of_higher_order_lie_within_those_of_lower_order():
    rng = np.random.default_rng(2)
    ra, dec = rng.uniform(0, 360, 500), np.degrees(np.arcsin(rng.uniform(-1, 1, 500)))
    fine = healpix_nested(ra, dec, order=29)
    np.testing.assert_array_equal(fine >> 2 * 28, healpix_nested(ra, dec, order=1))


# Where cells are odd: poles, the turn of right ascension, and a point where three cells meet.
CORNER_DEC = float(np.degrees(np.arcsin(2 / 3)))
PLACES = {
    "north pole": (0.0, 90.0, 180.0),
    "south pole": (0.0, -90.0, 180.0),
    "RA 0": (0.0, 0.0, 1e-3),
    "three cells": (90.0, CORNER_DEC, 1e-3),
    "three cells, south": (270.0, -CORNER_DEC, 1e-3),
    "anywhere": (180.0, 0.0, 180.0),
}


def positions_near(place, n, rng):
    ra, dec, spread = PLACES[place]
    away = 90.0 if place == "anywhere" else 1e-3
    ra = ra + rng.uniform(-spread, spread, n)
    dec = dec + rng.uniform(-away, away, n)
    # Over the pole and down on the other side.
    over = np.abs(dec) > 90
    return np.mod(np.where(over, ra + 180, ra), 360), np.where(over, np.sign(dec) * 180 - dec, dec)


@pytest.mark.parametrize("place", PLACES)
def test_a_neighbour_lies_in_one_of_the_cells_around(place):
    rng = np.random.default_rng(3)
    ra, dec = positions_near(place, 20_000, rng)
    here = SkyCoord(ra * u.deg, dec * u.deg)
    angle = rng.uniform(0, 360, ra.size) * u.deg
    there = here.directional_offset_by(angle, rng.uniform(0, 1.5, ra.size) * u.arcsec)
    found = healpix_nested(there.ra.deg, there.dec.deg, order=16)
    cells = cells_around(ra, dec, order=16)
    assert cells.shape == (ra.size, 9) and cells.dtype == np.int64
    assert (cells == found[:, None]).any(axis=1).all()
    # Not because all is around all: what is six sides away is in none of them.
    far = here.directional_offset_by(angle, 20 * u.arcsec)
    outside = healpix_nested(far.ra.deg, far.dec.deg, order=16)
    assert not (cells == outside[:, None]).any(axis=1).any()


def test_three_cells_meet_where_there_is_no_eighth_neighbour():
    near = np.array([90.0]), np.array([CORNER_DEC - 1e-5])
    cells = cells_around(*near, order=16)[0]
    assert (cells == -1).sum() == 1 and len(set(cells)) == 9
    assert (cells_around(np.array([0.0]), np.array([0.1]), order=16) >= 0).all()


@pytest.mark.parametrize("place", PLACES)
def test_distances_agree_with_astropy(place):
    rng = np.random.default_rng(4)
    ra, dec = positions_near(place, 2_000, rng)
    other_ra, other_dec = positions_near(place, 2_000, rng)
    expected = SkyCoord(ra * u.deg, dec * u.deg).separation(
        SkyCoord(other_ra * u.deg, other_dec * u.deg)
    )
    found = separation_arcsec(ra, dec, other_ra=other_ra, other_dec=other_dec)
    # Angles of 6 rad have a resolution of 1e-15 rad; near the opposite point the arcsine loses half
    # of the digits.
    np.testing.assert_allclose(found, expected.arcsec, rtol=1e-9, atol=1e-9)
