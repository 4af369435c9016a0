import logging
import re
from collections import defaultdict

import fastavro
import numpy as np
import pytest

from jobs.compute_features import main as compute_features
from jobs.fold_night import main as fold_night
from udfs.alert_schemas import FORCED, HISTORY, SCORED_ALERTS
from udfs.alerts.photometry import mid_exposure_hmjd, source_numbers
from udfs.errors import ContractError
from udfs.schemas import FEATURES, LIGHT_CURVES, QUARANTINE, RUNS, SOURCES

JD = 2_400_000.5
REFERENCE = 18.0
SECOND = 1 / 86_400


def mags_of(flux):
    return -2.5 * np.log10(flux)


def truth(jd):
    """Apparent magnitude of the made source: brighter and fainter than its reference."""
    return REFERENCE + 0.5 * np.sin(2 * np.pi * np.asarray(jd) / 0.7) + 0.01


def measured(jd):
    """``magpsf`` and ``isdiffpos`` that an alert would give it."""
    change = 10 ** (-0.4 * truth(jd)) - 10 ** (-0.4 * REFERENCE)
    return mags_of(np.abs(change)), change > 0


def detection(jd, fid=1, **changes):
    mag, positive = measured(jd)
    return {"jd": jd, "fid": float(fid), "magpsf": float(mag), "sigmapsf": 0.05,
            "isdiffpos": float(positive), "diffmaglim": 20.5, "magnr": REFERENCE,
            "sigmagnr": 0.02} | changes  # fmt: skip


def forced(jd, fid=1, **changes):
    change = 10 ** (-0.4 * truth(jd)) - 10 ** (-0.4 * REFERENCE)
    return {"jd": jd, "fid": float(fid), "forcediffimflux": float(change * 10 ** (0.4 * 26.2)),
            "forcediffimfluxunc": 20.0, "magzpsci": 26.2, "magnr": REFERENCE,
            "sigmagnr": 0.02} | changes  # fmt: skip


def limit(jd):
    return detection(jd) | dict.fromkeys(("magpsf", "sigmapsf", "isdiffpos", "magnr"), np.nan)


def alert(candid, name, jd, history=(), fluxes=(), **changes):
    own = detection(jd)
    return {
        "night": int(jd - JD), "candid": candid, "objectId": name, "jd": jd, "fid": 1,
        "ra": 0.0001 if candid % 2 else 359.9999, "dec": 40.0, "distnr": 0.3, "magnr": REFERENCE,
        "magpsf": own["magpsf"], "sigmapsf": 0.05, "isdiffpos": bool(own["isdiffpos"]),
        **{f"prv_{n}": [e[n] for e in history] for n in HISTORY},
        **{f"fp_{n}": [e[n] for e in fluxes] for n in FORCED},
        "topic": "t", "partition": 0, "offset": candid,
    } | changes  # fmt: skip


def store(warehouse, alerts):
    names = SCORED_ALERTS.schema.names
    rows = [tuple(a.get(n) for n in names) for a in alerts]
    frame = warehouse.spark.createDataFrame(rows, SCORED_ALERTS.schema)
    warehouse.insert_new(frame, SCORED_ALERTS, key=("candid",))


def fold(warehouse, nights="all", *flags):
    fold_night(["--warehouse", warehouse.root, "--nights", nights, *flags])


def curves_of(warehouse):
    return {r["source_id"]: r.asDict() for r in warehouse.read(LIGHT_CURVES).collect()}


def account(caplog):
    line = next(r.message for r in caplog.records if "duplicates" in r.message)
    return [int(n.replace(",", "")) for n in re.findall(r"[\d,]+(?= \w)", line)]


FIRST, SECOND_NIGHT = 60300, 60305
STAR, NEW = "ZTF18abcdefg", "ZTF24zzzzzzz"
NUMBERS = source_numbers([STAR, STAR, NEW, "made 1"], np.array([1, 2, 1, 1])).tolist()


def first_night():
    past = [JD + FIRST - d for d in (9.1, 7.2, 5.3, 3.4)]
    at = JD + FIRST + 0.25
    history = [detection(past[0]), limit(past[1]), detection(past[2], fid=2), detection(past[3])]
    return [
        alert(1, STAR, at, history, [
            forced(past[3]),  # the same exposure as in the history
            forced(past[1]),  # deeper than the upper limit
            forced(past[1] + 0.01, forcediffimflux=-99_999.0),
            forced(past[1] + 0.02, forcediffimflux=-1e9),  # fainter than nothing
        ]),
        # Half a night later, with the first alert in its history.
        alert(2, STAR, at + 0.1, [*history, detection(at)], []),
        # A new source: the reference has nothing within 1.5 arcsec. One detection is negative.
        alert(3, NEW, at, [detection(past[0], magpsf=19.5, isdiffpos=1.0),
                           detection(past[2], isdiffpos=0.0)],
              [forced(past[1], forcediffimflux=50.0), forced(past[3], forcediffimflux=500.0)],
              distnr=5.0, isdiffpos=True, magpsf=19.0),
        alert(4, "made 1", at, distnr=None, isdiffpos=True),
    ]  # fmt: skip


def second_night():
    at = JD + SECOND_NIGHT + 0.3
    # What it says of the first night's alert differs in the last digits: that one's own word stays.
    again = detection(JD + FIRST + 0.25 + 0.02 * SECOND)
    again["magpsf"] += 0.01
    history = [again, detection(at - 2.0)]
    return [alert(5, STAR, at, history), alert(7, NEW, at, distnr=1.4, isdiffpos=True, magpsf=18.5)]


def test_known_magnitudes_come_back_and_nights_add_up(warehouse, caplog):
    store(warehouse, first_night())
    with caplog.at_level(logging.INFO):
        fold(warehouse)
    # STAR: 1 + 3 + 2 and 1 + 4 epochs (of each 2 forced fluxes and a limit are none), 4 of them
    # twice, one of them forced; NEW: 1 + 2 + 1, one negative; made: 1.
    assert account(caplog) == [16, 10, 5, 1]
    curves = curves_of(warehouse)
    assert sorted(curves) == sorted(NUMBERS)
    star = curves[NUMBERS[0]]
    past = [JD + FIRST - d for d in (9.1, 7.2, 3.4)]
    jd = np.array([*past, JD + FIRST + 0.25, JD + FIRST + 0.35])
    assert star["n_epochs"] == 5 and star["catflags"] == [0] * 5
    np.testing.assert_allclose(star["mag"], truth(jd), atol=1e-4)
    position = [np.full(5, star[c]) for c in ("ra", "dec")]
    np.testing.assert_allclose(star["hmjd"], mid_exposure_hmjd(jd, *position), rtol=0, atol=1e-9)
    assert np.abs(np.array(star["hmjd"]) - (jd - JD)).max() < 0.006
    # RA 0.0001 and 359.9999 average to 0, not to 180.
    assert min(star["ra"], 360 - star["ra"]) < 1e-9 and star["dec"] == pytest.approx(40, abs=1e-6)
    assert (star["object_id"], star["filter"], star["survey"]) == (STAR, 1, "ztf_alerts")
    assert curves[NUMBERS[1]]["n_epochs"] == 1 and curves[NUMBERS[1]]["field"] == star["field"]
    # Magnitudes of the difference, and 500 DN; 50 DN of 20 are nothing.
    np.testing.assert_allclose(
        curves[NUMBERS[2]]["mag"], [19.5, 26.2 + mags_of(500), 19.0], atol=1e-5
    )
    put_aside = warehouse.read(QUARANTINE).collect()
    assert {(r["job"], r["unit"], r["source_id"], r["n_epochs"]) for r in put_aside} == {
        ("fold_night", str(FIRST), NUMBERS[2], 1)
    }
    sources = {r["source_id"]: r["n_epochs"] for r in warehouse.read(SOURCES).collect()}
    assert sources == {n: c["n_epochs"] for n, c in curves.items()}


def test_again_changes_nothing_and_another_night_only_adds(warehouse, caplog):
    store(warehouse, first_night())
    fold(warehouse)
    before, versions = curves_of(warehouse), warehouse.version(LIGHT_CURVES)
    with caplog.at_level(logging.INFO):
        fold(warehouse)
    assert "1 of 1 nights are done already" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.INFO):
        fold(warehouse, str(FIRST), "--force")
    assert "0 epochs are new in 0 light curves" in caplog.text
    assert curves_of(warehouse) == before and warehouse.version(LIGHT_CURVES) == versions
    assert warehouse.read(QUARANTINE).count() == 1

    store(warehouse, second_night())
    caplog.clear()
    with caplog.at_level(logging.INFO):
        fold(warehouse)
    assert "1 of 2 nights are done already" in caplog.text
    assert account(caplog) == [4, 4, 0, 0] and "3 epochs are new in 2 light" in caplog.text
    after = curves_of(warehouse)
    star = after[NUMBERS[0]]
    for name in ("hmjd", "mag", "magerr"):
        assert star[name][:5] == before[NUMBERS[0]][name]
        assert after[NUMBERS[2]][name][:3] == before[NUMBERS[2]][name]
    np.testing.assert_allclose(
        star["mag"][5:], truth(JD + SECOND_NIGHT + np.array([-1.7, 0.3])), atol=1e-4
    )
    # Its reference is near by now, but a light curve holds magnitudes of one kind.
    assert after[NUMBERS[2]]["mag"][3] == pytest.approx(18.5)
    assert star["content_hash"] != before[NUMBERS[0]]["content_hash"]
    assert after[NUMBERS[1]] == before[NUMBERS[1]]

    # A late alert: its night is folded again.
    store(warehouse, [alert(9, STAR, JD + FIRST + 0.45)])
    fold(warehouse)
    assert curves_of(warehouse)[NUMBERS[0]]["n_epochs"] == 8
    units = [r["unit"] for r in warehouse.read(RUNS).where("job = 'fold_night'").collect()]
    assert sorted(units) == [str(FIRST)] * 3 + [str(SECOND_NIGHT)]


def test_the_order_of_nights_does_not_matter(warehouse, tmp_path):
    """The alert's own word beats the history that was folded before it."""
    store(warehouse, [*first_night(), *second_night()])
    fold(warehouse, str(SECOND_NIGHT))
    fold(warehouse, str(FIRST))
    mags = curves_of(warehouse)[NUMBERS[0]]["mag"]
    jd = [JD + FIRST + d for d in (-9.1, -7.2, -3.4, 0.25, 0.35, 3.3, 5.3)]
    np.testing.assert_allclose(mags, truth(jd), atol=1e-4)


def test_a_kill_before_the_log_means_the_same_work_again(warehouse, monkeypatch):
    from jobs.common.ledger import Ledger

    def killed(*_):
        raise KeyboardInterrupt

    store(warehouse, first_night())
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "record", killed)
        with pytest.raises(KeyboardInterrupt):
            fold(warehouse)
    before = curves_of(warehouse)
    fold(warehouse)
    assert curves_of(warehouse) == before and warehouse.read(QUARANTINE).count() == 1


def test_a_night_without_alerts_is_named(warehouse):
    store(warehouse, first_night())
    with pytest.raises(ContractError, match=r"no alerts of night \[60299\]"):
        fold(warehouse, "60299,60300")
    assert not warehouse.exists(LIGHT_CURVES)


def test_features_are_computed_of_what_was_folded(warehouse, caplog):
    """60 epochs of a star in one band; a source with too few is told as usual."""
    start = JD + FIRST + 0.2
    jd = start + np.cumsum(np.random.default_rng(3).uniform(0.1, 0.8, 60))
    alerts = [alert(2 * i + 1, STAR, float(t)) for i, t in enumerate(jd)]
    store(warehouse, [*alerts, alert(1000, NEW, start)])
    fold(warehouse)
    with caplog.at_level(logging.INFO):
        compute_features(["--warehouse", warehouse.root, "--survey", "ztf_alerts"])
    rows = warehouse.read(FEATURES).collect()
    assert [r["source_id"] for r in rows] == [NUMBERS[0]]
    assert rows[0]["n"] == 60
    assert rows[0]["median"] == pytest.approx(np.median(truth(jd)), abs=1e-3)
    assert rows[0]["period_BEST"] == pytest.approx(0.7, rel=1e-3)
    short = warehouse.read(QUARANTINE).where("reason = 'too_few_epochs'").collect()
    assert [r["object_id"] for r in short] == [NEW]


@pytest.fixture(scope="module")
def packets(data_dir):
    files = sorted((data_dir / "ztf_alerts").glob("packets_*/*.avro"))
    found = {}
    for file in files:
        with open(file, "rb") as stream:
            packet = next(fastavro.reader(stream))
        candid = packet.get("candid") or packet["candidate"].get("candid")
        if candid:
            found[candid] = packet
    return found


def listed(packet, array, names, prefix):
    elements = packet.get(array) or []
    flags = {"t": 1.0, "1": 1.0, "f": 0.0, "0": 0.0, None: None}
    return {
        f"{prefix}{n}": [flags[e.get(n)] if n == "isdiffpos" else e.get(n) for e in elements]
        for n in names
    }


def stored_form(candid, packet):
    told = packet["candidate"]
    numbers = {n: told.get(n) for n in SCORED_ALERTS.schema.names if n in told}
    doubles = {n: float(v) for n, v in numbers.items() if isinstance(v, float)}
    row = numbers | doubles | {
        "night": int(told["jd"] - JD), "candid": candid, "objectId": packet["objectId"],
        "isdiffpos": told["isdiffpos"] in ("t", "1"), "topic": "t", "partition": 0, "offset": 0,
        **listed(packet, "prv_candidates", HISTORY, "prv_"),
        **listed(packet, "fp_hists", FORCED, "fp_"),
    }  # fmt: skip
    types = {f.name: f.dataType.simpleString() for f in SCORED_ALERTS.schema}
    for name, value in row.items():
        if value is not None and types[name] == "double":
            row[name] = float(value)
        if types[name] == "array<double>":
            row[name] = [None if v is None else float(v) for v in value]
    return row


def expected_curves(packets):
    """Light curves computed in another way: packet by packet, magnitude by magnitude."""
    by_object = defaultdict(list)
    for packet in packets.values():
        by_object[packet["objectId"]].append(packet)
    curves = defaultdict(dict)
    for name, mine in by_object.items():
        distances = [p["candidate"]["distnr"] for p in mine]
        near = np.median(distances) < 1.5
        for packet in mine:
            own = packet["candidate"]
            previous = [p for p in packet.get("prv_candidates") or [] if p["magpsf"] is not None]
            for order, element in [(0, own), *((1, p) for p in previous)]:
                sign = 1 if element["isdiffpos"] in ("t", "1") else -1
                flux = sign * 10 ** (-0.4 * element["magpsf"])
                total = flux + (10 ** (-0.4 * element["magnr"]) if near else 0.0)
                if total <= 0:
                    continue
                error = element["sigmapsf"] * abs(flux) / total
                add(curves, (name, element["fid"]), order, element["jd"], mags_of(total), error)
            for element in packet.get("fp_hists") or []:
                if element["forcediffimflux"] is None or element["forcediffimflux"] < -99_998:
                    continue
                scale = 10 ** (-0.4 * element["magzpsci"])
                magnr = element["magnr"]
                if magnr is None or magnr < 0:
                    magnr = own["magnr"] if own["fid"] == element["fid"] else None
                if near and magnr is None:
                    continue
                total = element["forcediffimflux"] * scale
                total += 10 ** (-0.4 * magnr) if near else 0.0
                error = element["forcediffimfluxunc"] * scale
                if error > 0 and total > 3 * error:
                    add(curves, (name, element["fid"]), 2, element["jd"], mags_of(total),
                        2.5 / np.log(10) * error / total)  # fmt: skip
    return curves


def add(curves, key, order, jd, mag, error):
    """By tenths of a second; the first teller stays."""
    exposure = round(jd * 864_000)
    if exposure not in curves[key] or order < curves[key][exposure][0]:
        curves[key][exposure] = (order, jd, mag, error)


@pytest.mark.data
def test_real_alerts_become_the_light_curves_that_their_packets_tell(warehouse, packets, caplog):
    store(warehouse, [stored_form(c, p) for c, p in packets.items()])
    with caplog.at_level(logging.INFO):
        fold(warehouse)
    expected = expected_curves(packets)
    found = {(c["object_id"], c["filter"]): c for c in curves_of(warehouse).values()}
    assert set(found) == set(expected) and len(found) > 400
    n_in, n_out, n_duplicates, n_aside = account(caplog)
    assert n_in == n_out + n_duplicates + n_aside and n_duplicates > 0
    assert n_out == sum(map(len, expected.values()))
    for key, curve in found.items():
        epochs = sorted(expected[key].values(), key=lambda e: e[1])
        assert curve["n_epochs"] == len(epochs), key
        times = np.array([e[1] for e in epochs]) - JD
        # Half an exposure, and 508 s of light at most.
        assert np.abs(np.array(curve["hmjd"]) - times).max() < 523 * SECOND
        np.testing.assert_allclose(curve["mag"], [e[2] for e in epochs], atol=1e-4, err_msg=key)
        np.testing.assert_allclose(curve["magerr"], [e[3] for e in epochs], rtol=1e-4)
    before = curves_of(warehouse)
    fold(warehouse, "all", "--force")
    assert curves_of(warehouse) == before
