import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord

from udfs.positions import healpix_nested, iau_names


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
