"""Lomb-Scargle periodogram on the GPU: a thread per frequency, epochs through shared memory."""

import math

from numba import cuda, float64

from udfs.devices import blocks_for
from udfs.periodograms.lomb_scargle.formula import UNSAMPLED, power_from_sums
from udfs.periodograms.phases_cuda import phase_at
from udfs.ragged import FloatArray

# Threads of a block, and epochs that it holds in shared memory at a time.
THREADS = 128

_power = cuda.jit(device=True)(power_from_sums)


def one_curve(elapsed: FloatArray, scaled: FloatArray, freq: FloatArray) -> FloatArray:
    """Power of one curve; see :func:`udfs.periodograms.lomb_scargle.lomb_scargle`."""
    out = cuda.device_array(freq.size)
    if freq.size:
        y = cuda.to_device(scaled - scaled.mean())
        launch = _fill[blocks_for(freq.size, THREADS), THREADS, 0, 2 * 8 * THREADS]
        launch(cuda.to_device(elapsed), y, cuda.to_device(freq), out)
    return out.copy_to_host()  # type: ignore[no-any-return]


@cuda.jit  # type: ignore[untyped-decorator]
def _fill(elapsed: FloatArray, y: FloatArray, freq: FloatArray, out: FloatArray) -> None:
    tile = cuda.blockDim.x
    here = cuda.threadIdx.x
    shared = cuda.shared.array(0, float64)
    f = cuda.grid(1)
    mine = freq[min(f, freq.size - 1)]
    y_cos = y_sin = cos_cos = cos_sin = 0.0
    for start in range(0, elapsed.size, tile):
        cuda.syncthreads()
        if start + here < elapsed.size:
            shared[here] = elapsed[start + here]
            shared[tile + here] = y[start + here]
        cuda.syncthreads()
        for j in range(min(tile, elapsed.size - start)):
            angle = 2.0 * math.pi * phase_at(mine, shared[j])
            c, s = math.cos(angle), math.sin(angle)
            y_cos += shared[tile + j] * c
            y_sin += shared[tile + j] * s
            cos_cos += c * c
            cos_sin += c * s
    if f < out.size:
        n = elapsed.size
        out[f] = _power(n, y_cos, y_sin, 2.0 * cos_cos - n, 2.0 * cos_sin, UNSAMPLED)
