import fastavro
import numpy as np
import pytest
from plain_light_curves import plainly

from udfs.alerts.fields import Fields, Kind
from udfs.alerts.light_curve import LIGHT_CURVE_FEATURES, light_curve_features
from udfs.alerts.packets import decode_packets

CANDIDATE = ("jd", "fid", "magpsf", "sigmapsf", "isdiffpos", "magnr", "distnr", "jdstarthist")
HISTORY = ("jd", "fid", "magpsf", "sigmapsf", "isdiffpos", "magnr", "diffmaglim")
FORCED = ("jd", "fid", "forcediffimflux", "forcediffimfluxunc", "magzpsci")
NIGHT = 2460000.75
BRIGHTER = {"t": 1.0, "1": 1.0, "f": 0.0, "0": 0.0}


def point(days, mag, *, fid=2, err=0.1, sign=1.0, reference=18.0):
    """A detection so many days after NIGHT."""
    return {"jd": NIGHT + days, "fid": fid, "magpsf": mag, "sigmapsf": err, "isdiffpos": sign,
            "magnr": reference, "diffmaglim": 20.5}  # fmt: skip


def limit(days, mag=20.5, fid=2):
    return point(days, np.nan, fid=fid, sign=np.nan) | {"diffmaglim": mag}


def alert(days, mag, *, distance=0.3, start=None, **more):
    jd = NIGHT + days if start is None else start
    return point(days, mag, **more) | {"distnr": distance, "jdstarthist": jd}


def flux(days, value, err=10.0, *, fid=2, zero=26.3):
    return {"jd": NIGHT + days, "fid": fid, "forcediffimflux": value, "forcediffimfluxunc": err,
            "magzpsci": zero}  # fmt: skip


def flat(lists, names):
    """Lists of elements as the decoder gives them: flat arrays and offsets."""
    offsets = np.cumsum([0, *map(len, lists)])
    values = {n: np.array([e[n] for li in lists for e in li], dtype=float) for n in names}
    return values, offsets


def features(alerts, histories=None, forced=None):
    """One dict of features per alert."""
    candidate = {n: np.array([a[n] for a in alerts], dtype=float) for n in CANDIDATE}
    nothing = [[] for _ in alerts]
    arrays = (*flat(histories or nothing, HISTORY), *flat(forced or nothing, FORCED))
    for array in (*candidate.values(), *arrays[0].values(), *arrays[2].values()):
        array.flags.writeable = False
    columns = light_curve_features(candidate, *arrays)
    assert tuple(columns) == LIGHT_CURVE_FEATURES
    assert {c.dtype for c in columns.values()} == {np.dtype(np.float32)}
    return [{n: float(c[i]) for n, c in columns.items()} for i in range(len(alerts))]


def one(an_alert, history=(), forced=()):
    return features([an_alert], [list(history)], [list(forced)])[0]


def assert_as_plain(alerts, histories, forced):
    found = features(alerts, histories, forced)
    for got, *of in zip(found, alerts, histories, forced, strict=True):
        expected = plainly(*of)
        for name in LIGHT_CURVE_FEATURES:
            # float32 results; 3631 Jy is 8.9 mag but for 3e-5; magnitudes by way of fluxes
            np.testing.assert_allclose(
                got[name], expected[name], rtol=1e-4, atol=2e-6, err_msg=name, equal_nan=True
            )
    return found


def random_history(rng, size):
    elements = []
    for _ in range(size):
        days, fid = -rng.uniform(0.02, 30), int(rng.integers(1, 4))
        if rng.random() < 0.3:
            elements.append(limit(days, rng.uniform(19, 21), fid))
        else:
            elements.append(point(days, rng.uniform(16, 20), fid=fid, err=rng.uniform(0.02, 0.2),
                                  sign=float(rng.random() < 0.7)))  # fmt: skip
    return elements


def random_forced(rng, size):
    return [flux(-rng.uniform(0.5, 30), rng.normal(20, 40), rng.uniform(5, 15),
                 fid=int(rng.integers(1, 3)), zero=rng.uniform(26, 26.5))
            for _ in range(size)]  # fmt: skip


def test_random_light_curves_as_plain_lists_give_them(rng):
    sizes = rng.integers(0, 40, 300)
    alerts = [alert(0.0, rng.uniform(16, 20), fid=int(rng.integers(1, 4)),
                    sign=float(rng.random() < 0.7), distance=rng.uniform(0, 2),
                    start=NIGHT - rng.uniform(0, 100)) for _ in sizes]  # fmt: skip
    histories = [random_history(rng, n) for n in sizes]
    found = assert_as_plain(alerts, histories, [random_forced(rng, n // 2) for n in sizes])
    for name in LIGHT_CURVE_FEATURES:
        assert np.isfinite([f[name] for f in found]).sum() > 30, name


@pytest.mark.data
def test_real_packets_as_a_general_decoder_and_plain_lists_give_them(data_dir):
    files = sorted((data_dir / "ztf_alerts").glob("packets_*/*.avro"))
    packets = decode_packets([f.read_bytes() for f in files], Fields.of([
        *[(f"candidate.{n}", Kind.FLAG if n == "isdiffpos" else Kind.NUMBER) for n in CANDIDATE],
        *[(f"prv_candidates.{n}", Kind.HISTORY_FLAG if n == "isdiffpos" else Kind.HISTORY_NUMBER)
          for n in HISTORY],
        *[(f"fp_hists.{n}", Kind.HISTORY_NUMBER) for n in FORCED],
    ]))  # fmt: skip
    columns = light_curve_features(
        {n: packets.numbers[f"candidate.{n}"] for n in CANDIDATE},
        {n: packets.history[f"prv_candidates.{n}"] for n in HISTORY},
        packets.offsets["prv_candidates"],
        {n: packets.history[f"fp_hists.{n}"] for n in FORCED},
        packets.offsets["fp_hists"],
    )
    for i, file in enumerate(files):
        with file.open("rb") as stream:
            packet = next(fastavro.reader(stream))
        elements = [
            [{n: number(n, e.get(n)) for n in names} for e in listed or []]
            for names, listed in (
                (CANDIDATE, [packet["candidate"]]),
                (HISTORY, packet["prv_candidates"]),
                (FORCED, packet.get("fp_hists")),
            )
        ]
        expected = plainly(elements[0][0], *elements[1:])
        for name in LIGHT_CURVE_FEATURES:
            np.testing.assert_allclose(columns[name][i], expected[name], rtol=1e-3, atol=1e-4,
                                       err_msg=f"{file.name} {name}")  # fmt: skip
    assert np.isfinite(columns["lc_fp_slope"]).sum() > 5
    assert np.isfinite(columns["lc_slope_r"]).sum() > 200


def number(name, value):
    if value is None:
        return np.nan
    return BRIGHTER[value] if name == "isdiffpos" else float(value)


def test_a_supernova_that_rises_by_0_3_mag_a_day_is_seen_to():
    rise = [point(-d, 18.0 + 0.3 * d, fid=fid, err=0.05) for d in range(1, 9) for fid in (1, 2)]
    found = one(alert(0.0, 18.0, err=0.05), [*rise, limit(-9.0), limit(-12.0)])
    assert found["lc_slope_r"] == pytest.approx(-0.3, rel=1e-5)
    assert found["lc_slope_g"] == pytest.approx(-0.3, rel=1e-5)
    assert found["lc_rise_rate"] == pytest.approx(0.3, rel=1e-5)
    assert found["lc_days_since_peak"] == 0.0 and np.isnan(found["lc_fade_rate"])
    assert found["lc_first_gap_day"] == pytest.approx(1.0, rel=1e-5)
    assert found["lc_color_slope"] == pytest.approx(0.0, abs=1e-6)


def test_the_error_of_the_slope_is_the_scatter_of_slopes(rng):
    days = np.array([-8.0, -6.5, -3.0, -1.0])
    found = features(
        [alert(0.0, 18 + e, err=0.1) for e in rng.normal(0, 0.1, 3000)],
        [[point(d, 18 - 0.05 * d + e, err=0.1) for d, e in zip(days, es, strict=True)]
         for es in rng.normal(0, 0.1, (3000, 4))],
    )  # fmt: skip
    slopes = np.array([f["lc_slope_r"] for f in found])
    error = found[0]["lc_slope_err_r"]
    assert slopes.std() == pytest.approx(error, rel=0.05)  # 1/sqrt(2 * 3000) is 1.3 %
    assert slopes.mean() == pytest.approx(-0.05, abs=4 * error / np.sqrt(3000))
    # Of a constant star with true errors, reduced chi square is 1 on average; this one moves.
    still = features([alert(0.0, 18 + e, err=0.1) for e in rng.normal(0, 0.1, 3000)],
                     [[point(-1.0 - i, 18 + e, err=0.1) for i, e in enumerate(es)]
                      for es in rng.normal(0, 0.1, (3000, 4))])  # fmt: skip
    assert np.mean([f["lc_chi2_const_r"] for f in still]) == pytest.approx(1.0, abs=0.05)


def test_a_variable_star_with_the_flux_of_its_reference():
    # A star of 17.0 in the reference, now twice as bright, before at half: +1 and -0.5 of its flux.
    half = 17.0 + 2.5 * np.log10(2)
    found = one(
        alert(0.0, 17.0, reference=17.0), [point(-2.0, half, sign=0.0, reference=17.0)]
    )  # fmt: skip
    assert found["lc_dc_mag"] == pytest.approx(17.0 - 2.5 * np.log10(2), abs=1e-5)
    assert found["lc_dc_amplitude"] == pytest.approx(2.5 * np.log10(4), abs=1e-5)
    assert found["lc_positive_fraction"] == 0.5
    far = one(alert(0.0, 17.0, reference=17.0, distance=1.5))
    assert np.isnan(far["lc_dc_mag"]) and np.isnan(far["lc_dc_amplitude"])
    gone = one(alert(0.0, 16.0, sign=0.0, reference=17.0))  # more is missing than there was
    assert np.isnan(gone["lc_dc_mag"]) and np.isnan(gone["lc_dc_amplitude"])


def test_the_alert_within_its_own_history_counts_once():
    history = [point(-3.0, 18.5), point(-1.0, 18.2, fid=1), limit(-5.0)]
    twice = [*history, point(0.0, 18.0), limit(0.0), point(4e-6, 18.0)]
    plain = one(alert(0.0, 18.0), history)
    np.testing.assert_equal(one(alert(0.0, 18.0), twice), plain)
    # Another filter in that second is another exposure; what comes later is not history.
    assert one(alert(0.0, 18.0), [*history, point(0.0, 18.0, fid=1)])["lc_n_det"] == 4
    assert one(alert(0.0, 18.0), [*history, point(0.5, 18.0)]) == pytest.approx(plain, nan_ok=True)


def test_the_order_of_the_elements_is_irrelevant(rng):
    history, forced = random_history(rng, 30), random_forced(rng, 20)
    history += [point(-31.0, mag) for mag in (19.0, 18.5)]  # an exposure listed twice
    expected = one(alert(0.0, 18.0), history, forced)
    for _ in range(5):
        rng.shuffle(history)
        rng.shuffle(forced)
        np.testing.assert_equal(one(alert(0.0, 18.0), history, forced), expected)


@pytest.mark.parametrize("size", [0, 1, 2])
def test_few_points_leave_features_undefined_and_never_raise(size):
    history = [point(-1.0 - i, 18.5 + i, fid=2) for i in range(size)]
    found = assert_as_plain([alert(0.0, 18.0)], [history], [[flux(-1.0, 50.0)] * size])[0]
    assert found["lc_n_det"] == size + 1
    undefined = {n for n, v in found.items() if np.isnan(v)}
    assert ("lc_slope_r" in undefined) == (size == 0)
    assert {"lc_slope_g", "lc_color_gr", "lc_fp_slope", "lc_last_upper_limit_days"} <= undefined
    assert not {n for n in undefined if n.startswith(("lc_n_", "lc_fp_n"))}


def test_a_detection_without_an_error_has_no_weight():
    known = [point(-1.0, 18.5), point(-2.0, 18.7), point(-4.0, 18.2)]
    without = [point(-3.0, 15.0, err=0.0), point(-5.0, 21.0, err=np.nan)]
    found, expected = one(alert(0.0, 18.0), known + without), one(alert(0.0, 18.0), known)
    for name in ("lc_chi2_const_r", "lc_slope_r", "lc_slope_err_r"):
        assert found[name] == pytest.approx(expected[name]), name
    assert found["lc_mag_peak"] == 15.0 and found["lc_n_det"] == 6


def test_two_points_in_one_second_have_no_slope():
    found = one(alert(0.0, 18.0), [point(-1.0, 18.5, fid=1), point(-1.0 + 3e-6, 18.6, fid=1)])
    assert np.isnan(found["lc_slope_g"]) and np.isnan(found["lc_slope_err_g"])
    assert np.isnan(found["lc_color_slope"]) and np.isfinite(found["lc_color_gr"])


def test_alerts_that_could_not_be_read_and_absurd_numbers():
    nothing = dict.fromkeys(CANDIDATE, np.nan)
    absurd = alert(0.0, 1e300, err=1e-300, reference=-1e300)
    unread, huge, good = features(
        [nothing, absurd, alert(0.0, 18.0)],
        [[point(-1.0, 18.0)], [point(-1.0, np.inf), point(-2.0, -1e300, err=0.0)], []],
        [[], [flux(-1.0, 1e308, 1e-308), flux(-2.0, np.nan), flux(-1.0, 5.0, -99999.0)], []],
    )
    assert {n: v for n, v in unread.items() if not np.isnan(v)} == {
        "lc_n_det": 0, "lc_n_det_g": 0, "lc_n_det_r": 0, "lc_n_upper": 0, "lc_fp_n": 0,
        "lc_fp_n_3sigma": 0,
    }  # fmt: skip
    assert not any(np.isinf(list(huge.values())))
    assert good["lc_n_det"] == 1 and good["lc_mag_peak"] == 18.0


def test_forced_photometry_leaves_out_what_ztf_marks_as_missing():
    measured = [flux(-3.0, 20.0), flux(-2.0, -50.0), flux(-1.0, 40.0)]
    missing = [flux(-4.0, -99999.0, -99999.0), flux(-5.0, -99999.0), flux(-6.0, 90.0, -99999.0)]
    later = flux(1.0, 200.0)
    found = one(alert(0.0, 18.0), [], [*missing, *measured, later])
    assert (found["lc_fp_n"], found["lc_fp_n_3sigma"]) == (3, 2)
    assert (found["lc_fp_snr_max"], found["lc_fp_last_snr"]) == (-5.0, 4.0)
    assert found["lc_fp_first_3sigma_days"] == pytest.approx(2.0, abs=1e-5)
    # 10 DN a day at a zero point of 23.9 are 10 microjansky a day.
    steady = [flux(-d, 100.0 - 10.0 * d, zero=23.9) for d in range(1, 6)]
    assert one(alert(0.0, 18.0), [], steady)["lc_fp_slope"] == pytest.approx(10.0, rel=1e-5)


def test_no_alerts():
    assert features([]) == []
