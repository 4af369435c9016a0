import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from udfs.errors import ContractError
from udfs.periods.candidates import star_statistic, top_maxima
from udfs.periods.choice import choose_periods
from udfs.periods.curves import star_curves
from udfs.periods.features import candidate_features
from udfs.periods.trees import RankingModel, read_ranking_model
from udfs.periods.window import window_power

MODEL = Path(__file__).resolve().parents[2] / "conf" / "period_choice.json"
FREQ = np.arange(0.002, 6.0, 0.0002)


@pytest.fixture(scope="module")
def model():
    return read_ranking_model(MODEL)


def exposures(rng, n):
    """One or two visits a night, most of them near the same time of the night."""
    night = np.sort(rng.choice(1000, n, replace=n > 1000))
    return 58000 + night + np.clip(rng.normal(0.3, 0.08, n), 0.05, 0.55)


SIGNALS = {
    "sawtooth": (0.5437, lambda p: 0.8 * p**0.6),
    "eclipses": (
        2.3173,
        lambda p: (
            0.7 * np.exp(-(((p - 0.3) / 0.03) ** 2)) + 0.4 * np.exp(-(((p - 0.8) / 0.03) ** 2))
        ),
    ),
    "contact": (0.3541, lambda p: 0.25 * np.cos(4 * np.pi * p) + 0.04 * np.cos(2 * np.pi * p)),
    "cepheid": (4.7311, lambda p: 0.5 * p**0.7),
}


def star_of(rng, kind, n=250, curves=1, noise=0.02):
    period, signal = SIGNALS[kind]
    time = np.concatenate([exposures(rng, n) for _ in range(curves)])
    mag = 16 + signal(np.mod(time / period, 1)) + rng.normal(0, noise, time.size)
    return time, mag, np.full(time.size, noise), n * np.arange(curves + 1)


def choose(model, *stars, freq=FREQ, others=None):
    time, mag, err = (np.concatenate([s[k] for s in stars]) for k in range(3))
    curves = [np.diff(s[3]) for s in stars]
    offsets = np.concatenate(([0], np.cumsum(np.concatenate(curves)))).astype(np.int64)
    star_offsets = np.cumsum([0, *(c.size for c in curves)])
    candidates = np.full((len(stars), 3, 30), np.nan)
    for i, star in enumerate(stars):
        usable = star_curves(*star)
        if usable.chi2.size:
            candidates[i] = top_maxima(star_statistic(usable, freq), freq)
    if others is None:
        others = np.full((len(stars), 3), np.nan)
    return choose_periods(
        time, mag, err, offsets, star_offsets, candidates,
        others=others, max_freq=float(freq[-1]), model=model,
    )  # fmt: skip


@pytest.mark.parametrize("kind", SIGNALS)
def test_true_period_is_chosen(rng, model, kind):
    found = choose(model, star_of(rng, kind), star_of(rng, kind, n=120, curves=2))
    # A twentieth of a cycle over the baseline: a jump is more than 8 harmonics.
    np.testing.assert_allclose(1 / found.period, 1 / SIGNALS[kind][0], atol=0.05 / 1000)
    assert (found.status == "ok").all()
    assert (found.false_alarm_probability < 1e-10).all()
    assert (found.window_power < 0.3).all()
    assert (found.n_harmonics >= 2).all()


def test_columns_say_what_supports_the_period(rng, model):
    star = star_of(rng, "sawtooth")
    period = SIGNALS["sawtooth"][0]
    alias = 1 / (1 / period + 1.00273790935)
    found = choose(model, star, others=np.array([[period, alias, 2 * period]]))
    assert found.agreement[0] == pytest.approx(2 / 3)
    assert found.family_agreement[0] == pytest.approx(1.0)
    assert found.alias_family[0] == pytest.approx(2 * 1.00273790935 - 1 / period, abs=5e-5)
    assert found.alias_margin[0] > 10
    assert found.score_margin[0] > 0


def test_noise_is_likely_a_false_alarm(rng, model):
    time = exposures(rng, 200)
    stars = [
        (time, 16 + rng.normal(0, 0.02, 200), np.full(200, 0.02), np.array([0, 200]))
        for _ in range(5)
    ]
    found = choose(model, *stars)
    assert np.median(found.false_alarm_probability) > 0.05
    assert (found.n_harmonics >= 1).all()


@pytest.mark.parametrize("kind", ["one", "flat", "equal_times", "nan", "none"])
def test_a_bad_star_has_a_status_and_leaves_the_others_alone(rng, model, kind):
    good = star_of(rng, "sawtooth")
    time, mag, err, offsets = star_of(rng, "sawtooth", n=30)
    if kind == "one":
        time, mag, err, offsets = time[:1], mag[:1], err[:1], np.array([0, 1])
    elif kind == "none":
        time, mag, err, offsets = time[:0], mag[:0], err[:0], np.array([0, 0])
    else:
        mag = np.full(30, 15.0) if kind == "flat" else mag
        time = np.full(30, 58000.0) if kind == "equal_times" else time
        mag = np.where(np.arange(30) == 7, np.nan, mag) if kind == "nan" else mag
    found = choose(model, good, (time, mag, err, offsets), good)
    assert found.status.tolist() == ["ok", "no_usable_curve", "ok"]
    assert found.period[0] == found.period[2] == choose(model, good).period[0]
    assert found.n_harmonics[1] == 0
    for field in fields(found):
        if field.name not in ("status", "n_harmonics"):
            assert np.isnan(getattr(found, field.name)[1]), field.name


def test_a_star_without_candidates_has_no_period(rng, model):
    found = choose(model, star_of(rng, "sawtooth"), freq=FREQ[:2])
    assert found.status.tolist() == ["no_candidate"]
    assert np.isnan(found.period[0])


def test_shift_of_epoch_and_magnitude_changes_nothing(rng, model):
    time, mag, err, offsets = star_of(rng, "contact", curves=2)
    before = choose(model, (time, mag, err, offsets))
    after = choose(model, (time - 57000.0, mag + 3.0, err, offsets))
    np.testing.assert_allclose(after.period, before.period, rtol=1e-8)


def test_order_of_the_curves_of_a_star_changes_nothing(rng, model):
    a, b = star_of(rng, "contact", n=150), star_of(rng, "contact", n=90)
    both, swapped = (
        tuple(np.concatenate([x[k], y[k]]) for k in range(3)) + (np.array([0, len(x[0]), 240]),)
        for x, y in ((a, b), (b, a))
    )
    np.testing.assert_allclose(choose(model, both).period, choose(model, swapped).period, rtol=1e-8)


def test_shapes_are_checked(rng, model):
    time, mag, err, offsets = star_of(rng, "contact", n=30)
    with pytest.raises(ValueError, match="one row for each of 1 stars"):
        choose_periods(
            time, mag, err, offsets, np.array([0, 1]), np.full((2, 3, 30), 1.0),
            others=np.full((1, 3), np.nan), max_freq=6.0, model=model,
        )  # fmt: skip


def tables():
    """Two trees: x < 1 ? 10 : (y < 0 ? 20 : 30), and 5 everywhere."""
    return {
        "features": ["x", "y"],
        "roots": [0, 5],
        "feature": [0, -1, 1, -1, -1, -1],
        "value": [1.0, 10.0, 0.0, 20.0, 30.0, 5.0],
        "left": [1, -1, 3, -1, -1, -1],
        "right": [2, -1, 4, -1, -1, -1],
    }


def test_trees_by_hand(tmp_path):
    path = tmp_path / "model.json"
    path.write_text(json.dumps(tables()))
    x, y = np.array([0.0, 1.0, 2.0, np.nan]), np.array([0.0, -1.0, 0.0, 1.0])
    found = read_ranking_model(path).scores({"y": y, "x": x, "unused": y})
    # Not a number is not below any threshold.
    np.testing.assert_array_equal(found, [15.0, 25.0, 35.0, 35.0])


def test_window_of_the_candidates_is_the_spectral_window(rng):
    star = star_curves(*star_of(rng, "contact", n=60, curves=2))
    freq = np.array([0.7, 1.0, 2.3])
    columns, _ = candidate_features(star, freq)
    np.testing.assert_allclose(columns["window"], window_power(star.time, freq), atol=1e-10)


class NearDayModel:
    """Prefers, by a given margin, the frequencies near n per day."""

    def __init__(self, margin):
        self.margin = margin

    def scores(self, columns):
        freq = 10.0 ** -columns["log_period"]
        return self.margin * (np.abs(freq - np.round(freq)) < 0.01)


@pytest.mark.parametrize(("margin", "near"), [(0.9, False), (1.1, True)])
def test_a_frequency_near_the_day_must_score_clearly_more(rng, margin, near):
    time, mag, err, offsets = star_of(rng, "sawtooth", n=60)
    found = choose_periods(
        time, mag, err, offsets, np.array([0, 1]), np.array([[[1.302, 2.002, 4.411]]]),
        others=np.full((1, 1), np.nan), max_freq=6.0, model=NearDayModel(margin),
    )  # fmt: skip
    assert (abs(1 / found.period[0] - 2.002) < 0.005) == near


@pytest.mark.parametrize("spoil", ["roots", "value"])
def test_a_broken_model_is_refused(tmp_path, spoil):
    content = tables()
    content[spoil] = content[spoil][:-1]
    if spoil == "roots":
        del content["roots"]
    path = tmp_path / "model.json"
    path.write_text(json.dumps(content))
    with pytest.raises(ContractError, match="model.json: "):
        read_ranking_model(path)


def test_the_model_knows_all_columns(rng, model):
    star = star_curves(*star_of(rng, "contact", n=60))
    columns, _ = candidate_features(star, np.array([1.0, 2.0]))
    assert isinstance(model, RankingModel)
    assert set(model.features) == set(columns)
    assert all(np.isfinite(c).all() for c in columns.values())
