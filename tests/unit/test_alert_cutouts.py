import gzip
import io
import tracemalloc
import warnings

import numpy as np
import pytest
from astropy.io import fits
from made_alerts import stamp

from udfs.alerts.cutouts import LARGEST_FILE, read_stamp, read_triplets
from udfs.alerts.fields import Fields, Kind
from udfs.alerts.packets import decode_packets
from udfs.alerts.reasons import CUTOUT_REASONS, BadAlert

CHANNELS = ("Science", "Template", "Difference")


def by_astropy(content):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ZTF's SIMPLE card
        with fits.open(io.BytesIO(gzip.decompress(content))) as hdus:
            return hdus[0].data.astype(float)


def published_preprocessing(pixels):
    """acai/utils.py in its own words: nan_to_num, L2 norm, padding."""
    pixels = np.nan_to_num(pixels)
    pixels = pixels / np.linalg.norm(pixels)
    missing = [(0, 63 - side) for side in pixels.shape]
    return np.pad(pixels, missing, constant_values=1e-9)


@pytest.mark.data
def test_every_real_stamp_is_read_as_astropy_reads_it(data_dir):
    files = sorted((data_dir / "ztf_alerts").glob("packets_*/*.avro"))
    fields = Fields.of([(f"cutout{c}.stampData", Kind.BYTES) for c in CHANNELS])
    packets = decode_packets([f.read_bytes() for f in files], fields)
    stamps = [packets.blobs[f"cutout{c}.stampData"] for c in CHANNELS]
    images, problems = read_triplets(*stamps)
    assert problems == [None] * len(files)
    small = 0
    for i, alert in enumerate(zip(*stamps, strict=True)):
        for channel, content in enumerate(alert):
            pixels = by_astropy(content)
            small += pixels.shape != (63, 63)
            np.testing.assert_array_equal(read_stamp(content), pixels)
            expected = published_preprocessing(pixels)
            # Half a unit of float32 in the last place.
            np.testing.assert_allclose(images[i, :, :, channel], expected, rtol=6e-8, atol=1e-12)
    assert small > 0


@pytest.mark.parametrize("dtype", [">f4", ">f8"])
@pytest.mark.parametrize("shape", [(63, 63), (63, 40), (1, 63), (5, 1)])
def test_shapes_and_depths(rng, dtype, shape):
    pixels = rng.normal(0, 1, shape)
    pixels[0, 0] = np.nan
    content = stamp(pixels, dtype)
    np.testing.assert_array_equal(read_stamp(content), by_astropy(content))
    images, problems = read_triplets([content], [stamp(np.ones((63, 63)))], [content])
    assert problems == [None]
    expected = published_preprocessing(by_astropy(content))
    np.testing.assert_allclose(images[0, :, :, 2], expected, rtol=6e-8, atol=1e-12)
    np.testing.assert_allclose(images[0, :, :, 1], 1 / 63, rtol=6e-8)


def test_long_headers_and_scaled_pixels(rng):
    hdu = fits.PrimaryHDU(rng.normal(0, 1, (63, 63)).astype(">f4"))
    for i in range(60):
        hdu.header[f"KEY{i}"] = (i, "BITPIX  =  8 / not this one")
    buffer = io.BytesIO()
    hdu.writeto(buffer)
    content = gzip.compress(buffer.getvalue())
    np.testing.assert_array_equal(read_stamp(content), by_astropy(content))
    scaled = changed(
        stamp(np.ones((63, 63))), b"END", card("BSCALE", 2.5) + card("BZERO", -1) + b"END"
    )
    np.testing.assert_array_equal(read_stamp(scaled), by_astropy(scaled))
    assert read_stamp(scaled)[0, 0] == 1.5


def card(keyword, value):
    return f"{keyword:<8}= {value:>20}".ljust(80).encode()


def changed(content, old, new):
    """The stamp with another header of the same length."""
    raw = gzip.decompress(content)
    assert old in raw[:2880]
    header = raw[:2880].replace(old, new)[:2880].ljust(2880)
    return gzip.compress(header + raw[2880:])


GOOD = stamp(np.arange(63.0 * 63).reshape(63, 63))
RAW = gzip.decompress(GOOD)


def with_wrong_checksum():
    content = bytearray(GOOD)
    content[-6] ^= 1
    return bytes(content)


SPOILED = {
    "missing_cutout": [None, b""],
    "bad_gzip": [RAW, GOOD[:-9], GOOD[:200], GOOD[:300] + b"\xff" * 60 + GOOD[360:],
                 with_wrong_checksum()],
    "cutout_too_large": [gzip.compress(bytes(10**8)), gzip.compress(RAW + bytes(LARGEST_FILE)),
                         stamp(np.ones((64, 63))), changed(GOOD, card("NAXIS1", 63),
                                                           card("NAXIS1", 10**9))],
    "bad_fits": [gzip.compress(b""), gzip.compress(b"SIMPLE"), gzip.compress(bytes(20000)),
                 changed(GOOD, b"END", b"and"), changed(GOOD, b"NAXIS2", b"NAXISX"),
                 changed(GOOD, card("BITPIX", -32)[:30], card("BITPIX", "many")[:30]),
                 changed(GOOD, card("NAXIS1", 63), card("NAXIS1", -63)),
                 changed(GOOD, card("NAXIS1", 63), card("NAXIS1", 0)),
                 changed(GOOD, card("SIMPLE", "T")[:30], card("SIMPLE", "F")[:30])],
    "bad_pixel_type": [stamp(np.ones((63, 63)), ">i2"), stamp(np.ones((2, 63, 63))),
                       changed(GOOD, card("BITPIX", -32)[:30], card("BITPIX", 32)[:30])],
    "short_fits": [gzip.compress(RAW[:2880]), gzip.compress(RAW[:9000]),
                   changed(GOOD, card("BITPIX", -32)[:30], card("BITPIX", -64)[:30])],
    "blank_cutout": [stamp(np.zeros((63, 63))), stamp(np.full((63, 63), np.nan))],
}  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "number"), [(r, i) for r, bad in SPOILED.items() for i in range(len(bad))]
)
@pytest.mark.parametrize("channel", [0, 2])
def test_a_bad_stamp_costs_its_own_alert_only(reason, number, channel):
    assert reason in {known.name for known in CUTOUT_REASONS}
    stamps = [[GOOD, GOOD, GOOD] for _ in CHANNELS]
    stamps[channel][1] = SPOILED[reason][number]
    images, problems = read_triplets(*stamps)
    named, problem = problems[1]
    assert (named, problem.reason.name) == (CHANNELS[channel], reason)
    assert problems[0] is None and problems[2] is None
    assert not images[1].any() and np.isfinite(images).all()
    np.testing.assert_array_equal(images[0], images[2])


def test_a_bomb_is_not_unpacked_to_be_measured():
    bomb = gzip.compress(bytes(10**8))
    tracemalloc.start()
    with pytest.raises(BadAlert, match="cutout_too_large"):
        read_stamp(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10**6


def test_infinite_and_huge_pixels_leave_a_finite_image():
    pixels = np.ones((63, 63))
    pixels[3, 4], pixels[5, 6] = np.inf, -np.inf
    images, problems = read_triplets([stamp(pixels)], [GOOD], [stamp(np.full((63, 63), 1e38))])
    assert problems == [None] and np.isfinite(images).all()
    assert images[0, 3, 4, 0] == pytest.approx(2**-0.5)
    assert images[0, 5, 6, 0] == pytest.approx(-(2**-0.5))
    np.testing.assert_allclose(images[0, :, :, 2], 1 / 63, rtol=1e-6)


def test_damage_anywhere_gives_pixels_or_a_reason(rng):
    known = {reason.name for reason in CUTOUT_REASONS}
    for _ in range(300):
        raw = bytearray(RAW)
        for at in rng.integers(0, 600, 3):
            raw[at] = rng.integers(0, 256)
        try:
            assert read_stamp(gzip.compress(raw, 1)).size
        except BadAlert as problem:
            assert problem.reason.name in known
