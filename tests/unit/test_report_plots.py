import re

import numpy as np
import pytest
from astropy import units as u
from astropy.time import Time
from astropy.timeseries import TimeSeries

from jobs.reports.agreement import Agreement
from jobs.reports.plots_evaluation import Evaluation, label_picture, overview
from jobs.reports.plots_light_curves import BandCurve, Star, phase, star_picture
from jobs.reports.plots_scores import BINS, agreement_picture, histograms
from models.metrics import label_metrics


def evaluation(label: str = "ea", positives: int = 20) -> Evaluation:
    rng = np.random.default_rng(5)
    target = (np.arange(100) < positives).astype(np.int8)
    score = np.clip(0.6 * target + rng.uniform(0, 0.5, 100), 0, 1).astype(np.float32)
    metrics = label_metrics(
        target, score, stars=[str(n) for n in range(100)], threshold=0.7, resamples=50
    )
    importances = {f"feature_{n}": float(n) for n in range(12)}
    return Evaluation(label, "Algol-like", 200, metrics, target, score, importances)


def star(period: float | None, *, bands: str = "gr") -> Star:
    time = np.linspace(58300.0, 59300.0, 40)
    curves = [BandCurve(b, time, 17 + np.sin(time), np.full(40, 0.05)) for b in bands]
    return Star(7, "star <7>", curves, period)


def test_phase_is_that_of_astropy():
    time = 58300.0 + np.sort(np.random.default_rng(1).uniform(0, 1000, 200))
    series = TimeSeries(time=Time(time, format="mjd"))
    folded = series.fold(
        period=0.6 * u.day, epoch_time=Time(2458194.5, format="jd"), normalize_phase=True
    )
    expected = np.asarray(folded.time.value) % 1.0
    difference = (phase(time, 0.6) - expected + 0.5) % 1.0 - 0.5
    # A float64 of 59000 days is good to 7e-12 days.
    assert np.abs(difference).max() < 1e-9


def test_a_star_shows_every_epoch_once_and_every_phase_twice():
    svg = star_picture(star(0.7)).svg
    assert svg.count("h0") == 2 * 40 * (1 + 2)
    assert "var(--band-g)" in svg and "var(--band-r)" in svg


def test_a_star_without_a_period_says_so_and_is_not_folded():
    for period in (None, float("nan")):
        picture = star_picture(star(period))
        assert picture.svg.count("h0") == 2 * 40
        assert "no period" in picture.caption


def test_bands_of_other_surveys_have_colours_of_their_own():
    svg = star_picture(star(0.7, bands="VB")).svg
    assert "var(--band-other-1)" in svg and "var(--band-other-2)" in svg


def test_a_label_shows_its_counts_and_its_eight_best_features():
    one = evaluation()
    svg = str(label_picture(one).svg)
    for name in ("true_positives", "false_positives", "false_negatives", "true_negatives"):
        assert f">{one.metrics[name]}<" in svg
    shown = {int(n) for n in re.findall(r"feature_(\d+)", svg)}
    assert shown == set(range(4, 12))


@pytest.mark.parametrize("positives", [0, 100])
def test_a_test_part_of_one_class_is_drawn_without_curves(positives):
    assert "needs both classes" in label_picture(evaluation(positives=positives)).svg


def test_the_overview_names_every_label_with_its_examples():
    svg = overview([evaluation("ea"), evaluation("ew", positives=0)]).svg
    assert "ea  (200)" in svg and "ew  (200)" in svg and "undefined" in svg


def test_agreement_gives_shares_and_leaves_out_labels_without_children():
    found = [Agreement("pnp", "vnv", 200, 188), Agreement("i", "vnv", 0, 0)]
    svg = agreement_picture(found, name="a").svg
    assert "94% of 200" in svg and "i → vnv" not in svg
    assert agreement_picture(found[1:], name="a") is None


def test_histograms_have_one_panel_per_label():
    counts = {label: np.arange(BINS) for label in ("vnv", "pnp", "e", "ea", "eb", "ew")}
    above = dict.fromkeys(counts, 3)
    svg = histograms(counts, above=above, name="h", threshold=0.7).svg
    assert all(f">{label}<" in svg for label in counts)
