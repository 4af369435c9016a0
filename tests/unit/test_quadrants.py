import numpy as np
import pytest

from udfs.quadrants import ccd_quad_from_rcid, rcid_from_ccd_quad


def test_known_channels():
    # ZTF Science Data System: rcid 0 is CCD 1 quadrant 1, rcid 63 is CCD 16 quadrant 4.
    ccd, quad = ccd_quad_from_rcid(np.array([0, 3, 4, 61, 63]))
    assert ccd.tolist() == [1, 1, 2, 16, 16]
    assert quad.tolist() == [1, 4, 1, 2, 4]


def test_inverse_of_each_other():
    rcid = np.arange(64)
    np.testing.assert_array_equal(rcid_from_ccd_quad(*ccd_quad_from_rcid(rcid)), rcid)


@pytest.mark.parametrize("rcid", [-1, 64])
def test_unknown_channel_is_named(rcid):
    with pytest.raises(ValueError, match=f"rcid={rcid}, expected 0..63"):
        ccd_quad_from_rcid(np.array([5, rcid]))


def test_unknown_quadrant_is_named():
    with pytest.raises(ValueError, match="ccd=17, quad=1"):
        rcid_from_ccd_quad(np.array([17]), np.array([1]))
