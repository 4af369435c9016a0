"""Best box from sums per phase bin; plain Python, compiled by the backends."""

from udfs.ragged import FloatArray

# A box with less than this share of the weight, or all but this share, is empty but for rounding.
_EMPTY = 1e-12


def best_share(
    inside: FloatArray,
    weight: FloatArray,
    fewest: int,
    most: int,
    squares: float,
    best: FloatArray,
) -> float:
    """Share of chi-square of the best box of ``fewest`` to ``most`` bins.

    ``inside[b]`` and ``weight[b]`` are the sums of w y and w over bins 0 to b - 1, once around and
    ``most`` bins further; ``squares`` is the sum of w y^2; ``best`` is work space, one per bin.
    The mean of y is 0, so the sums inside a box give the levels inside and outside.
    """
    bins = best.size
    total = weight[bins]
    low, high = _EMPTY * total, (1.0 - _EMPTY) * total
    for b in range(bins):
        best[b] = 0.0
    for length in range(fewest, most + 1):
        # The best of each first bin, not of all: no step waits for the one before.
        for b in range(bins):
            s = inside[b + length] - inside[b]
            r = weight[b + length] - weight[b]
            residue = s * s / (r * (total - r)) if low < r < high else 0.0
            best[b] = residue if residue > best[b] else best[b]
    residue = 0.0
    for b in range(bins):
        residue = max(residue, best[b])
    return float(residue * total / squares)
