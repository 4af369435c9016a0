"""Stamps of an alert: gzipped FITS images in, normalised triplets out.

A stamp is a header of 80-character cards and one block of big-endian floats (FITS 4.0, sections 3
and 4): a general FITS reader spends most of its time on what a stamp never has.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from isal import isal_zlib
from isal.igzip_lib import IsalError
from numpy.typing import NDArray

from udfs.alerts.reasons import (
    BAD_FITS,
    BAD_GZIP,
    BAD_PIXEL_TYPE,
    BLANK_CUTOUT,
    CUTOUT_TOO_LARGE,
    MISSING_CUTOUT,
    SHORT_FITS,
    BadAlert,
)
from udfs.jit import jit_reordered

SIDE = 63
CHANNELS = ("Science", "Template", "Difference")
PADDING = 1e-9
# The largest stamp in float64 with eight blocks of header; ZTF's have 20,160 bytes.
LARGEST_FILE = 8 * 2880 + 12 * 2880
_CARD, _BLOCK = 80, 2880
_GZIP = 31
_PIXELS: dict[int, np.dtype[Any]] = {-32: np.dtype(">f4"), -64: np.dtype(">f8")}
_LARGEST = float(np.finfo(np.float32).max)


class Triplets(NamedTuple):
    """The images of n alerts.

    Attributes
    ----------
    images : (n, 63, 63, 3) float32
        Science, template, difference; zeros where there is a problem.
    problems : n entries
        Of the first stamp that cannot be used, with the name of its channel; None for a good one.
    """

    images: NDArray[np.float32]
    problems: list[tuple[str, BadAlert] | None]


def read_triplets(*stamps: Sequence[bytes | None]) -> Triplets:
    """The input of ACAI's and braai's networks, from the three stamps of each alert.

    NaN becomes 0 and infinity the largest float32. Each stamp is divided by the root of the sum of
    its squares, then padded at the bottom and the right with 1e-9 to 63 x 63 (as acai/utils.py
    does; Duev and van der Walt 2021, arXiv:2111.12142). A stamp without a single non-zero pixel
    has no such norm: it is a problem, not an image of NaN.

    Parameters
    ----------
    stamps : three sequences of n gzipped FITS files or None
        Science, template and difference.
    """
    science, template, difference = stamps
    images = np.zeros((len(science), SIDE, SIDE, len(CHANNELS)), dtype=np.float32)
    problems: list[tuple[str, BadAlert] | None] = [None] * len(science)
    for row, alert in enumerate(zip(science, template, difference, strict=True)):
        for channel, stamp in enumerate(alert):
            try:
                if not _normalise(read_stamp(stamp), images[row], channel):
                    raise BadAlert(BLANK_CUTOUT, "no pixel that is neither 0 nor NaN")
            except BadAlert as problem:
                problems[row] = (CHANNELS[channel], problem)
                images[row] = 0.0
                break
    return Triplets(images, problems)


def read_stamp(stamp: bytes | None) -> NDArray[np.float64]:
    """The pixels of one stamp as they are in the file, (height, width) float64.

    Raises
    ------
    BadAlert
        If it is missing, no intact gzip stream, unpacks to more than ``LARGEST_FILE`` bytes, is no
        image of at most 63 x 63 floats, or shorter than its header says.
    """
    if not stamp:
        raise BadAlert(MISSING_CUTOUT, "no bytes")
    content = _unzip(stamp)
    header = _header(content[:_BLOCK]) or _header(content)
    if header is None:
        raise BadAlert(BAD_FITS, f"no END card in {len(content)} bytes")
    size = header.height * header.width * header.pixels.itemsize
    if len(content) < header.start + size:
        raise BadAlert(SHORT_FITS, f"{len(content)} bytes, {header.start + size} announced")
    pixels = np.frombuffer(content, header.pixels, header.height * header.width, header.start)
    scaled = pixels.astype(np.float64).reshape(header.height, header.width)
    if header.scale != 1.0 or header.zero != 0.0:
        scaled = scaled * header.scale + header.zero
    return scaled


def _unzip(stamp: bytes) -> bytes:
    inflater = isal_zlib.decompressobj(_GZIP)
    try:
        content: bytes = inflater.decompress(stamp, LARGEST_FILE + 1)
    except IsalError as error:  # type: ignore[misc]  # its stub declares an instance
        raise BadAlert(BAD_GZIP, str(error)) from None
    if len(content) > LARGEST_FILE:
        raise BadAlert(CUTOUT_TOO_LARGE, f"unpacks to more than {LARGEST_FILE} bytes")
    if not inflater.eof:
        raise BadAlert(BAD_GZIP, f"the stream ends early, after {len(stamp)} bytes")
    return content


class _Header(NamedTuple):
    """Where the pixels are."""

    height: int
    width: int
    pixels: np.dtype[Any]
    start: int
    scale: float
    zero: float


@lru_cache(maxsize=256)
def _header(content: bytes) -> _Header | None:
    """What the cards up to END say; None without END. Almost all stamps share one header."""
    cards: dict[bytes, bytes] = {}
    for at in range(0, len(content) - _CARD + 1, _CARD):
        card = content[at : at + _CARD]
        keyword = card[:8].rstrip()
        if keyword == b"END":
            return _checked(cards, start=(at // _BLOCK + 1) * _BLOCK)
        if card[8:10] == b"= ":
            cards[keyword] = card[10:].split(b"/")[0].strip()
    return None


def _checked(cards: dict[bytes, bytes], *, start: int) -> _Header:
    """ZTF writes SIMPLE's T in the wrong column, so values are read wherever they stand."""
    try:
        if cards[b"SIMPLE"] != b"T":
            raise BadAlert(BAD_FITS, f"SIMPLE is {cards[b'SIMPLE']!r}")
        depth, axes = int(cards[b"BITPIX"]), int(cards[b"NAXIS"])
        if depth not in _PIXELS or axes != 2:
            raise BadAlert(BAD_PIXEL_TYPE, f"BITPIX {depth}, NAXIS {axes}")
        width, height = int(cards[b"NAXIS1"]), int(cards[b"NAXIS2"])
        scale, zero = float(cards.get(b"BSCALE", b"1")), float(cards.get(b"BZERO", b"0"))
    except KeyError as error:
        raise BadAlert(BAD_FITS, f"no card {error.args[0].decode()}") from None
    except ValueError as error:
        raise BadAlert(BAD_FITS, str(error)[:100]) from None
    if height < 1 or width < 1:
        raise BadAlert(BAD_FITS, f"{width} x {height} pixels")
    if height > SIDE or width > SIDE:
        raise BadAlert(CUTOUT_TOO_LARGE, f"{width} x {height} pixels")
    return _Header(height, width, _PIXELS[depth], start, scale, zero)


@jit_reordered
def _normalise(pixels: NDArray[np.float64], image: NDArray[np.float32], channel: int) -> bool:
    """Write one stamp into its channel; false if it has no norm."""
    height, width = pixels.shape
    total = 0.0
    for y in range(height):
        for x in range(width):
            value = pixels[y, x]
            value = 0.0 if np.isnan(value) else min(max(value, -_LARGEST), _LARGEST)
            total += value * value
    if not total > 0.0:
        return False
    scale = 1.0 / np.sqrt(total)
    for y in range(SIDE):
        for x in range(SIDE):
            if y < height and x < width:
                value = pixels[y, x]
                value = 0.0 if np.isnan(value) else min(max(value, -_LARGEST), _LARGEST)
                image[y, x, channel] = value * scale
            else:
                image[y, x, channel] = PADDING
    return True
