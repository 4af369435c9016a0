"""Features of alert light curves in the words of lists, for tests to compare with."""

import numpy as np

from udfs.alerts.light_curve import LIGHT_CURVE_FEATURES


def slope(day, value, err):
    """Weighted straight line and its error by numpy's fit."""
    day, value, err = map(np.array, (day, value, err))
    if len(set(np.round(day, 4))) < 2:
        return np.nan, np.nan
    line, covariance = np.polyfit(day, value, 1, w=1 / err, cov="unscaled")
    return line[0], np.sqrt(covariance[0, 0])


def plainly(an_alert, history, forced):
    """The definitions in the words of lists, to compare with."""
    now = an_alert["jd"]
    past = [e for e in history if e["jd"] < now - 1e-5 or
            (abs(e["jd"] - now) < 1e-5 and e["fid"] != an_alert["fid"])]  # fmt: skip
    seen = [e for e in past if not np.isnan(e["magpsf"])] + [an_alert]
    seen.sort(key=lambda e: (e["jd"], e["magpsf"]))
    limits = sorted((e for e in past if np.isnan(e["magpsf"])), key=lambda e: e["jd"])
    f = dict.fromkeys(LIGHT_CURVE_FEATURES, np.nan)
    f |= {"lc_n_det": len(seen), "lc_n_upper": len(limits),
          "lc_n_det_g": len([e for e in seen if e["fid"] == 1]),
          "lc_n_det_r": len([e for e in seen if e["fid"] == 2]),
          "lc_positive_fraction": np.mean([e["isdiffpos"] == 1 for e in seen]),
          "lc_span_day": np.ptp([e["jd"] for e in seen]),
          "lc_days_since_first": now - min(seen[0]["jd"], an_alert["jdstarthist"])}  # fmt: skip
    if limits:
        f["lc_last_upper_limit_days"] = now - limits[-1]["jd"]
        f["lc_last_upper_limit_mag"] = limits[-1]["diffmaglim"]
        before = [e["jd"] for e in limits if e["jd"] < seen[0]["jd"]]
        f["lc_first_gap_day"] = seen[0]["jd"] - before[-1] if before else np.nan
    of_sign = [e for e in seen if e["isdiffpos"] == an_alert["isdiffpos"]]
    by_filter = {b: [e for e in of_sign if e["fid"] == fid] for b, fid in (("g", 1), ("r", 2))}
    own = [e for e in of_sign if e["fid"] == an_alert["fid"]]
    peak = min(own, key=lambda e: e["magpsf"])
    f["lc_mag_peak"], f["lc_days_since_peak"] = peak["magpsf"], now - peak["jd"]
    f["lc_mag_amplitude"] = np.ptp([e["magpsf"] for e in own])
    if peak["jd"] > own[0]["jd"]:
        f["lc_rise_rate"] = (own[0]["magpsf"] - peak["magpsf"]) / (peak["jd"] - own[0]["jd"])
    if own[-1]["jd"] > peak["jd"]:
        f["lc_fade_rate"] = (own[-1]["magpsf"] - peak["magpsf"]) / (own[-1]["jd"] - peak["jd"])
    for band, some in by_filter.items():
        mag, err = (np.array([e[n] for e in some]) for n in ("magpsf", "sigmapsf"))
        if len(some) > 1:
            f[f"lc_mag_std_{band}"] = np.std(mag, ddof=1)
            pull = (mag - np.average(mag, weights=1 / err**2)) / err
            f[f"lc_chi2_const_{band}"] = pull @ pull / (len(mag) - 1)
        late = [e for e in some if e["jd"] >= now - 10]
        f[f"lc_slope_{band}"], f[f"lc_slope_err_{band}"] = slope(
            [e["jd"] - now for e in late], [e["magpsf"] for e in late],
            [e["sigmapsf"] for e in late],
        )  # fmt: skip
    pairs = []
    for g in by_filter["g"]:
        near = min(by_filter["r"], key=lambda r: abs(r["jd"] - g["jd"]), default=None)
        if near and abs(near["jd"] - g["jd"]) <= 1:
            pairs.append(((near["jd"] + g["jd"]) / 2 - now, g["magpsf"] - near["magpsf"]))
    if pairs:
        f["lc_color_gr"] = max(pairs, key=lambda p: p[0])[1]
        f["lc_color_slope"] = slope(*zip(*pairs, strict=True), np.ones(len(pairs)))[0]
    if an_alert["distnr"] <= 1.4:
        mags = [total(e) for e in seen if e["fid"] == an_alert["fid"]]
        f["lc_dc_mag"] = total(an_alert)
        known = [m for m in mags if not np.isnan(m)]
        f["lc_dc_amplitude"] = max(known) - min(known) if known else np.nan
    usable = [e for e in forced if e["forcediffimfluxunc"] > 0 and e["forcediffimflux"] != -99999]
    usable.sort(key=lambda e: e["jd"])
    snr = [e["forcediffimflux"] / e["forcediffimfluxunc"] for e in usable]
    clear = [e["jd"] for e, s in zip(usable, snr, strict=True) if abs(s) >= 3]
    f["lc_fp_n"], f["lc_fp_n_3sigma"] = len(usable), len(clear)
    if usable:
        f["lc_fp_snr_max"], f["lc_fp_last_snr"] = max(snr, key=abs), snr[-1]
    if clear:
        f["lc_fp_first_3sigma_days"] = now - clear[0]
    late = [e for e in usable if e["fid"] == an_alert["fid"] and e["jd"] >= now - 10]
    if late:
        to_microjansky = [3631e6 * 10 ** (-0.4 * e["magzpsci"]) for e in late]
        f["lc_fp_slope"] = slope(
            [e["jd"] - now for e in late],
            [e["forcediffimflux"] * s for e, s in zip(late, to_microjansky, strict=True)],
            [e["forcediffimfluxunc"] * s for e, s in zip(late, to_microjansky, strict=True)],
        )[0]
    return f


def total(e):
    """Reference and difference by way of fluxes in Jansky."""
    janskys = [3631 * 10 ** (m / -2.5) for m in (e["magnr"], e["magpsf"])]
    both = janskys[0] + janskys[1] * (1 if e["isdiffpos"] else -1)
    return -2.5 * np.log10(both / 3631) if both > 0 else np.nan
