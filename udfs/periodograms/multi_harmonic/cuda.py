"""Multi-harmonic periodogram on the GPU: a thread per frequency, epochs through shared memory."""

import functools
import math
from typing import Any

from numba import cuda, float64

from udfs.devices import blocks_for
from udfs.periodograms.multi_harmonic.formula import RIDGE, chi2_reductions
from udfs.periodograms.phases_cuda import phase_at
from udfs.ragged import FloatArray

# Threads of a block, and epochs that it holds in shared memory at a time.
THREADS = 128

_reductions = cuda.jit(device=True)(chi2_reductions)


def one_curve(
    elapsed: FloatArray, y: FloatArray, weight: FloatArray, freq: FloatArray, *, harmonics: int
) -> FloatArray:
    """Reductions of one curve; see :mod:`udfs.periodograms.multi_harmonic`."""
    out = cuda.device_array((freq.size, harmonics))
    if freq.size:
        launch = _kernel(harmonics)[blocks_for(freq.size, THREADS), THREADS, 0, 3 * 8 * THREADS]
        launch(*(cuda.to_device(array) for array in (elapsed, y, weight, freq)), RIDGE, out)
    return out.copy_to_host()  # type: ignore[no-any-return]


@functools.cache
def _kernel(harmonics: int) -> Any:
    """The kernel for so many harmonics: the sums of a thread are arrays of a fixed size."""
    waves = size = 2 * harmonics + 1
    columns, with_mags = size + 1, harmonics + 1

    @cuda.jit  # type: ignore[untyped-decorator]
    def fill(
        elapsed: FloatArray, y: FloatArray, weight: FloatArray, freq: FloatArray,
        ridge: float, out: FloatArray,
    ) -> None:  # fmt: skip
        tile, here = cuda.blockDim.x, cuda.threadIdx.x
        shared = cuda.shared.array(0, float64)
        # Every index into these is known to the compiler, which keeps them in registers. The
        # formula takes any index: it gets copies.
        cos_sum = cuda.local.array(waves, float64)
        sin_sum = cuda.local.array(waves, float64)
        y_cos = cuda.local.array(with_mags, float64)
        y_sin = cuda.local.array(with_mags, float64)
        for k in range(waves):
            cos_sum[k] = sin_sum[k] = 0.0
        for k in range(with_mags):
            y_cos[k] = y_sin[k] = 0.0
        f = cuda.grid(1)
        mine = freq[min(f, freq.size - 1)]
        for start in range(0, elapsed.size, tile):
            cuda.syncthreads()
            if start + here < elapsed.size:
                shared[here] = elapsed[start + here]
                shared[tile + here] = y[start + here]
                shared[2 * tile + here] = weight[start + here]
            cuda.syncthreads()
            for j in range(min(tile, elapsed.size - start)):
                angle = 2.0 * math.pi * phase_at(mine, shared[j])
                c, s = math.cos(angle), math.sin(angle)
                deviation = shared[tile + j]
                # The k-th harmonic is the k-th power of one complex number.
                wave_c, wave_s = shared[2 * tile + j], 0.0
                for k in range(with_mags):
                    cos_sum[k] += wave_c
                    sin_sum[k] += wave_s
                    y_cos[k] += deviation * wave_c
                    y_sin[k] += deviation * wave_s
                    wave_c, wave_s = wave_c * c - wave_s * s, wave_s * c + wave_c * s
                for k in range(with_mags, waves):
                    cos_sum[k] += wave_c
                    sin_sum[k] += wave_s
                    wave_c, wave_s = wave_c * c - wave_s * s, wave_s * c + wave_c * s
        factor = cuda.local.array((size, columns), float64)
        sums = cuda.local.array((4, waves), float64)
        for k in range(waves):
            sums[0, k], sums[1, k] = cos_sum[k], sin_sum[k]
        for k in range(with_mags):
            sums[2, k], sums[3, k] = y_cos[k], y_sin[k]
        if f < out.shape[0]:
            _reductions(sums[0], sums[1], sums[2], sums[3], factor, ridge, out[f])

    return fill
