"""False-alarm probability of the highest peak of a multi-harmonic periodogram."""

import math

from scipy.special import gammaincc


def false_alarm_probability(
    gain: float, *, harmonics: int, max_freq: float, time_std_day: float
) -> float:
    """Probability that noise alone has a peak this high anywhere below ``max_freq``.

    Baluev's bound from the expected number of upcrossings,

        FAP = 1 - (1 - Q(H, z)) exp(-tau),    tau = W alpha_H z^(H - 1/2) exp(-z),

    for H harmonics, W = max_freq sqrt(4 pi) std(t), and alpha_H the factor by which harmonics make
    the peaks narrower.

    Parameters
    ----------
    gain : float
        z: log-likelihood gained over constant magnitudes, not negative.
    harmonics : int
        Of the one series in all curves.
    max_freq : float, cycles/day
    time_std_day : float, days
        Standard deviation of the times.

    Returns
    -------
    float in [0, 1]; NaN if the gain is NaN

    References
    ----------
    Baluev (2008), MNRAS 385, 1279, equations 5 and 6. doi:10.1111/j.1365-2966.2008.12689.x
    Baluev (2009), MNRAS 395, 1541, equation 7. doi:10.1111/j.1365-2966.2009.14634.x
    """
    if math.isnan(gain):
        return math.nan
    if gain <= 0.0:
        return 1.0
    width = max_freq * math.sqrt(4.0 * math.pi) * time_std_day
    log_tau = (
        math.log(width * peak_narrowing(harmonics)) + (harmonics - 0.5) * math.log(gain) - gain
    )
    single = float(gammaincc(harmonics, gain))
    tau = math.exp(min(log_tau, 50.0))
    # expm1 and log1p keep probabilities far below rounding error.
    return float(-math.expm1(math.log1p(-min(single, 1.0 - 1e-16)) - tau))


def peak_narrowing(harmonics: int) -> float:
    """Factor alpha_H by which harmonics add upcrossings, 1 for one harmonic.

    2^H / (2H - 1)!! times the sum over k = 1..H of
    (-1)^(H - k) k^(2H + 1) / ((H - k)! (H + k)!).
    """
    odd_factorial = math.prod(range(1, 2 * harmonics, 2))
    total = sum(
        (-1) ** (harmonics - k)
        * k ** (2 * harmonics + 1)
        / (math.factorial(harmonics - k) * math.factorial(harmonics + k))
        for k in range(1, harmonics + 1)
    )
    return float(2**harmonics / odd_factorial * total)
