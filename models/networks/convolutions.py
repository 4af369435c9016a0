"""The image branch of a network on one core: 3 x 3 convolutions of small images, compiled.

The filters of a pixel stand side by side, 16 to a vector in registers (``udfs.lanes``). Eight
pixels are summed at once, so that no sum waits for the one before. An image goes through all layers
before the next one is read: what the layers hand on stays in the caches of the core.
"""

import numpy as np
from numpy.typing import NDArray

from udfs.jit import jit
from udfs.lanes import load, plus, plus_scaled, store, zeros
from udfs.lanes_math import larger, number_at, plus_product

FloatVector = NDArray[np.float32]

_LANES = 16
# What a layer cuts its sums at.
RELU, LINEAR = np.zeros(_LANES, np.float32), np.full(_LANES, -np.inf, np.float32)
# Pixels that are summed at once. The last of a row may lie beyond it: buffers are this much longer.
_PIXELS = 8


@jit
def image_branch(
    images: NDArray[np.float32],
    separable: bool,
    depthwise: tuple[FloatVector, ...],
    kernels: tuple[FloatVector, ...],
    biases: tuple[FloatVector, ...],
    pools: tuple[int, int],
    out: NDArray[np.float32],
) -> None:
    """Two pairs of convolutions, each pair followed by pooling; then all pixels, or their mean.

    Parameters
    ----------
    images : (n, side, side, channels) float32
    separable
        Depthwise 3 x 3 (without bias), then pointwise; else full convolutions.
    depthwise : of each layer, as ``wide_depthwise`` or (9 * channels,) float32
    kernels : of each layer, (channels, filters) or (3, 3, channels, filters), as ``whole_vectors``
    biases : of each layer, (filters,) float32
    pools
        Side of the maximum pooling after each pair; 1 for none.
    out : (n, filters) float32 for the mean, else (n, pixels * filters)
    """
    n, side, _, channels = images.shape
    room = (side * side + 4 * _PIXELS) * max(channels, biases[-1].size) + _LANES
    here, there = _aligned(room), _aligned(room)
    for i in range(n):
        height, width = side, channels
        here[: height * height * width] = images[i].ravel()
        for layer in range(4):
            bias = biases[layer]
            if not separable:
                _convolve(here, height, width, kernels[layer], bias, there)
                here, there = there, here
            else:
                if width % _LANES:
                    _depthwise_narrow(here, height, width, depthwise[layer], there)
                else:
                    _depthwise(here, height, width, depthwise[layer], there)
                pixels = (height - 2) * (height - 2)
                inputs = (1, 0, width)
                _products(there, 0, width, inputs, kernels[layer], bias, RELU, pixels, here, 0)
            height, width = height - 2, bias.size
            pool = pools[layer // 2]
            if layer % 2 and pool > 1:
                _pool(here, height, width, pool, there)
                here, there = there, here
                height //= pool
        if out.shape[1] == width:
            _mean(here, height * height, out[i])
        else:
            out[i] = here[: height * height * width]


@jit
def _aligned(size: int) -> FloatVector:
    """Zeros of which every vector is one line of the cache: across two it takes twice the time."""
    room = np.zeros(size + _LANES, np.float32)
    skip = (-room.ctypes.data % (4 * _LANES)) // 4
    return room[skip : skip + size]


@jit
def dense(
    inputs: NDArray[np.float32],
    kernel: FloatVector,
    bias: FloatVector,
    floor: FloatVector,
    out: NDArray[np.float32],
) -> None:
    """``max(floor, bias + inputs @ kernel)``, each row summed in the same order in any batch.

    Parameters
    ----------
    inputs : (n, n_inputs) float32
    kernel, bias : as ``whole_vectors`` gives them
    floor : ``RELU`` or ``LINEAR``
    out : (n, n_outputs) float32
    """
    n, length = inputs.shape
    source = np.zeros((_PIXELS, length), np.float32).ravel()
    result = np.empty(_PIXELS * bias.size, np.float32)
    for first in range(0, n, _PIXELS):
        rows = min(_PIXELS, n - first)
        source[: rows * length] = inputs[first : first + rows].ravel()
        _products(source, 0, length, (1, 0, length), kernel, bias, floor, rows, result, 0)
        for i in range(rows):
            for j in range(out.shape[1]):
                out[first + i, j] = result[i * bias.size + j]


def whole_vectors(kernel: NDArray[np.float32]) -> FloatVector:
    """A kernel (..., filters) or bias, flat: 16 filters after 16, each for all inputs.

    The last filters are filled up with zeros.
    """
    inputs = kernel.reshape(-1, kernel.shape[-1])
    padded = np.pad(inputs, ((0, 0), (0, -inputs.shape[1] % _LANES)))
    blocks = padded.reshape(len(inputs), -1, _LANES).transpose(1, 0, 2)
    return np.ascontiguousarray(blocks).ravel()


def wide_depthwise(kernel: NDArray[np.float32], side: int) -> FloatVector:
    """A depthwise kernel (3, 3, channels, 1) repeated along a row of the output, flat.

    For images of a few channels: the pixels of a row, with their channels, stand side by side.
    """
    channels = kernel.shape[2]
    repeated = np.tile(kernel.reshape(9, channels), (1, side - 2))
    padding = -repeated.shape[1] % _LANES
    return np.ascontiguousarray(np.pad(repeated, ((0, 0), (0, padding))).ravel())


@jit
def _depthwise_narrow(
    image: FloatVector,
    side: int,
    channels: int,
    kernel: FloatVector,
    out: FloatVector,
) -> None:
    row, padded = (side - 2) * channels, kernel.size // 9
    for y in range(side - 2):
        for x in range(0, row, _LANES):
            total = zeros(out, _LANES)
            for k in range(9):
                at = ((y + k // 3) * side + k % 3) * channels + x
                total = plus_product(
                    total, load(image, at, _LANES), load(kernel, k * padded + x, _LANES)
                )
            store(total, out, y * row + x)


@jit
def _depthwise(
    image: FloatVector,
    side: int,
    channels: int,
    kernel: FloatVector,
    out: FloatVector,
) -> None:
    row = side * channels
    for c in range(0, channels, _LANES):
        a, b = load(kernel, c, _LANES), load(kernel, channels + c, _LANES)
        d, e = load(kernel, 2 * channels + c, _LANES), load(kernel, 3 * channels + c, _LANES)
        f, g = load(kernel, 4 * channels + c, _LANES), load(kernel, 5 * channels + c, _LANES)
        h, p = load(kernel, 6 * channels + c, _LANES), load(kernel, 7 * channels + c, _LANES)
        q = load(kernel, 8 * channels + c, _LANES)
        for y in range(side - 2):
            to = y * (side - 2) * channels + c
            at = y * row + c
            # Of the pixel before, and of the one before that: what their columns so far give.
            one, two = zeros(out, _LANES), zeros(out, _LANES)
            for x in range(side):
                top = load(image, at, _LANES)
                middle = load(image, at + row, _LANES)
                bottom = load(image, at + 2 * row, _LANES)
                total = plus_product(two, top, d)
                total = plus_product(total, middle, g)
                total = plus_product(total, bottom, q)
                two = plus_product(one, top, b)
                two = plus_product(two, middle, f)
                two = plus_product(two, bottom, p)
                one = plus_product(zeros(out, _LANES), top, a)
                one = plus_product(one, middle, e)
                one = plus_product(one, bottom, h)
                at += channels
                if x > 1:
                    store(total, out, to)
                    to += channels


@jit
def _convolve(
    image: FloatVector,
    side: int,
    channels: int,
    kernel: FloatVector,
    bias: FloatVector,
    out: FloatVector,
) -> None:
    rows = (3, side * channels, 3 * channels)
    for y in range(side - 2):
        start, out_start = y * side * channels, y * (side - 2) * bias.size
        _products(image, start, channels, rows, kernel, bias, RELU, side - 2, out, out_start)


@jit
def _products(
    source: FloatVector,
    start: int,
    step: int,
    rows: tuple[int, int, int],
    kernel: FloatVector,
    bias: FloatVector,
    floor: FloatVector,
    pixels: int,
    out: FloatVector,
    out_start: int,
) -> None:
    """Of each pixel ``max(floor, bias + inputs @ kernel)``.

    Parameters
    ----------
    start, step
        Where the inputs of the first pixel begin, and how much later those of the next.
    rows
        The inputs of a pixel: number of rows, distance between them, length of each.
    """
    filters = bias.size
    n_rows, apart, length = rows
    lowest = load(floor, 0, _LANES)
    for x in range(0, pixels, _PIXELS):
        for block in range(0, filters, _LANES):
            total = load(bias, block, _LANES)
            t0, t1, t2, t3, t4, t5, t6, t7 = (
                total, total, total, total, total, total, total, total
            )  # fmt: skip
            weight = block * n_rows * length
            for row in range(n_rows):
                at = start + row * apart + x * step
                for k in range(at, at + length):
                    w = load(kernel, weight, _LANES)
                    weight += _LANES
                    t0 = plus_scaled(t0, number_at(source, k), w)
                    t1 = plus_scaled(t1, number_at(source, k + step), w)
                    t2 = plus_scaled(t2, number_at(source, k + 2 * step), w)
                    t3 = plus_scaled(t3, number_at(source, k + 3 * step), w)
                    t4 = plus_scaled(t4, number_at(source, k + 4 * step), w)
                    t5 = plus_scaled(t5, number_at(source, k + 5 * step), w)
                    t6 = plus_scaled(t6, number_at(source, k + 6 * step), w)
                    t7 = plus_scaled(t7, number_at(source, k + 7 * step), w)
            to = out_start + x * filters + block
            store(larger(t0, lowest), out, to)
            store(larger(t1, lowest), out, to + filters)
            store(larger(t2, lowest), out, to + 2 * filters)
            store(larger(t3, lowest), out, to + 3 * filters)
            store(larger(t4, lowest), out, to + 4 * filters)
            store(larger(t5, lowest), out, to + 5 * filters)
            store(larger(t6, lowest), out, to + 6 * filters)
            store(larger(t7, lowest), out, to + 7 * filters)


@jit
def _pool(image: FloatVector, side: int, channels: int, pool: int, out: FloatVector) -> None:
    pooled = side // pool
    for y in range(pooled):
        for x in range(pooled):
            for c in range(0, channels, _LANES):
                at = (y * side + x) * pool * channels + c
                found = load(image, at, _LANES)
                for _ in range(pool):
                    for other in range(at, at + pool * channels, channels):
                        found = larger(load(image, other, _LANES), found)
                    at += side * channels
                store(found, out, (y * pooled + x) * channels + c)


@jit
def _mean(image: FloatVector, pixels: int, out: FloatVector) -> None:
    channels = out.size
    for c in range(0, channels, _LANES):
        total = zeros(out, _LANES)
        for at in range(c, pixels * channels, channels):
            total = plus(total, load(image, at, _LANES))
        store(total, out, c)
    for c in range(channels):
        out[c] /= np.float32(pixels)
