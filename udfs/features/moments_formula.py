"""Formulas of the basic statistics; plain Python, compiled by the backends.

Each function fills its columns of one row, in the order of ``schemas.STATISTICS``.
"""

import math

from udfs.ragged import FloatArray

_PERCENTILE_PAIRS = ((0.25, 0.75), (0.2, 0.8), (0.15, 0.85), (0.1, 0.9), (0.05, 0.95))


def order_statistics(ordered: FloatArray, row: FloatArray) -> None:
    """Median, median absolute deviation and percentile ranges of ascending magnitudes."""
    n = ordered.size
    half = (n - 1) // 2
    median = ordered[half] + (0.0 if n % 2 else 0.5) * (ordered[n // 2] - ordered[half])
    row[1] = median
    # The deviations from the median ascend when taken from the middle outwards, on both sides.
    left, right = n // 2 - 1, n // 2
    low = high = 0.0
    for _ in range(n // 2 + 1):
        low = high
        take_left = right >= n
        if left >= 0 and right < n:
            take_left = median - ordered[left] < ordered[right] - median
        if take_left:
            high = abs(median - ordered[left])
            left -= 1
        else:
            high = abs(ordered[right] - median)
            right += 1
    row[8] = high if n % 2 else low + 0.5 * (high - low)
    for k in range(len(_PERCENTILE_PAIRS)):
        spread = 0.0
        for side in range(2):
            position = _PERCENTILE_PAIRS[k][side] * (n - 1)
            below = int(math.floor(position))
            above = min(below + 1, n - 1)
            value = ordered[below] + (position - below) * (ordered[above] - ordered[below])
            spread = value - spread
        row[9 + k] = spread


def weighted_moments(mag: FloatArray, magerr: FloatArray, row: FloatArray) -> None:
    """Everything that is a sum over the epochs in any order; needs the median in the row."""
    n = mag.size
    median = row[1]
    weights = weighted = 0.0
    for k in range(n):
        weight = 1.0 / (magerr[k] * magerr[k])
        weights += weight
        weighted += weight * mag[k]
    mean = weighted / weights
    chi2 = chi3 = chi4 = excess = absolute = 0.0
    for k in range(n):
        residual = mag[k] - mean
        inverse = 1.0 / magerr[k]
        chi = residual * inverse
        chi2 += chi * chi
        chi3 += chi * chi * chi
        chi4 += chi * chi * (chi * chi)
        excess += residual * residual - magerr[k] * magerr[k]
        absolute += abs(mag[k] - median) * inverse
    bright, faint = mag[0] + magerr[0], mag[0] - magerr[0]
    for k in range(1, n):
        # Not min and max: on a GPU those pass over NaN, here they do not.
        bright = mag[k] + magerr[k] if mag[k] + magerr[k] < bright else bright
        faint = mag[k] - magerr[k] if mag[k] - magerr[k] > faint else faint
    row[2] = mean
    row[5] = math.sqrt(chi2 / weights)
    row[6] = (faint - bright) / (faint + bright)
    row[7] = excess / (n * mean * mean)
    if n > 1:
        row[3] = chi2 / (n - 1)
        row[4] = absolute / (n - 1)
    if n > 2:
        row[14] = n / ((n - 1.0) * (n - 2.0)) * chi3
    if n > 3:
        scale = n * (n + 1.0) / ((n - 1.0) * (n - 2.0) * (n - 3.0))
        row[15] = scale * chi4 - 3.0 * (n - 1.0) ** 2 / ((n - 2.0) * (n - 3.0))


def serial_statistics(
    time: FloatArray, mag: FloatArray, magerr: FloatArray, row: FloatArray
) -> None:
    """What compares an epoch with the next one; needs the weighted moments in the row."""
    n = mag.size
    if n < 2:
        return
    mean, variance = row[2], row[5] * row[5]
    scale = math.sqrt(n / (n - 1.0))
    weights = slopes = welch = stetson = 0.0
    for i in range(n - 1):
        rate = 1.0 / (time[i + 1] - time[i])
        slope = (mag[i + 1] - mag[i]) * rate
        weights += rate * rate
        slopes += slope * slope
        product = (
            (mag[i] - mean) / magerr[i] * scale * ((mag[i + 1] - mean) / magerr[i + 1] * scale)
        )
        welch += product
        stetson += math.copysign(math.sqrt(abs(product)), product)
    absolute = squares = 0.0
    for i in range(n):
        delta = (mag[i] - mean) / magerr[i] * scale
        absolute += abs(delta)
        squares += delta * delta
    row[16] = weights * variance / slopes
    row[17] = welch
    row[18] = stetson
    row[19] = (absolute / n) / math.sqrt(squares / n)
