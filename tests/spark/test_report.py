import logging
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession
from synthetic_field import (
    FILTERS,
    field_rows,
    period_of,
    source_id,
    write_fields,
    write_models,
)

from jobs import report
from jobs.common.config import CONF
from jobs.common.model_files import model_files
from jobs.common.registry_table import change_stages, read_models
from jobs.common.tables import Warehouse
from jobs.registry.register import register
from jobs.reports.agreement import count_agreement, count_agreement_in_table, tree_pairs
from jobs.reports.comparison import compare_sets
from jobs.reports.field_data import gather_field
from jobs.reports.field_page import field_page
from jobs.reports.field_tables import (
    histogram_counts,
    label_scores,
    one_field,
    quarantine_counts,
    stage_counts,
    top_sources,
)
from jobs.reports.page import render
from jobs.reports.plots_scores import BINS
from models.registry import promoted
from models.store import DNN, XGB
from models.taxonomy import read_taxonomy
from udfs.errors import ContractError
from udfs.schemas import scores_table

N_STARS = 12
N_CURVES = N_STARS * len(FILTERS)
TAXONOMY = read_taxonomy(CONF / "labels.toml")
# The order of the rows of a synthetic field: star by star, filter by filter.
IDS = [source_id(250, star, number) for star in range(N_STARS) for number in FILTERS]


def scores_of_250() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    rising = np.linspace(0.0, 0.99, N_CURVES)
    return {
        "vnv_xgb": rng.permutation(rising),
        "pnp_xgb": rising,
        "rrab_xgb": np.full(N_CURVES, 0.1),
        "pnp_dnn": rising[::-1],
    }


@pytest.fixture(scope="module")
def filled(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Fields 250 and 202, the second without a score above the threshold, and models."""
    warehouse = Warehouse(spark, str(tmp_path_factory.mktemp("report")))
    low = {f"{label}_xgb": [0.05 * n] * 9 for n, label in enumerate(("e", "ea", "eb", "ew"))}
    labels = TAXONOMY.scored
    write_fields(
        warehouse,
        field_rows(labels, field=250, n_stars=N_STARS, scores=scores_of_250()),
        field_rows(labels, field=202, n_stars=3, scores=low),
    )
    kinds = {"pnp": "phenomenological", "vnv": "phenomenological"}
    version = write_models(model_files(warehouse), part_for_tests(), kinds)
    register(warehouse, XGB, version, data_versions={})
    rows = [
        row
        for model in read_models(warehouse)
        for row in promoted(model, None, change=1, now=model.created, reason="for the test")
    ]
    change_stages(warehouse, rows, change=1)
    return warehouse


def part_for_tests() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    target = (np.arange(N_CURVES) % 2).astype(np.int8)
    frames = [
        pd.DataFrame(
            {
                "label": label, "survey": "ztf",
                "object_id": [f"star-250-{n // 3}" for n in range(N_CURVES)], "source_id": IDS,
                "target": target,
                "score": (0.5 * target + rng.uniform(0, 0.5, N_CURVES)).astype(np.float32),
            }
        )
        for label in ("vnv", "pnp")
    ]  # fmt: skip
    return pd.concat(frames)


@pytest.fixture(scope="module")
def pages(filled: Warehouse) -> dict[str, str]:
    """Name -> text of the pages of one run of the job."""
    report.main(["--warehouse", filled.root, "--survey", "ztf", "--top", "2"])
    folder = Path(filled.root) / "reports"
    return {path.name: path.read_text() for path in folder.glob("*.html")}


def scores_of(warehouse: Warehouse, field: int = 250):
    return one_field(warehouse, scores_table(TAXONOMY.scored), survey="ztf", field=field)


def test_one_page_per_run_and_field(pages):
    names = sorted(pages)
    assert names[1:] == ["ztf_field_202.html", "ztf_field_250.html"]
    assert re.fullmatch(r"training_xgb-[0-9a-f]{12}\.html", names[0])


def test_pages_stand_alone_and_stay_small(pages):
    for text in pages.values():
        assert "http" not in text and len(text) < 5_000_000
        hrefs = set(re.findall(r'href="([^"]+)"', text))
        assert {h[1:] for h in hrefs} <= set(re.findall(r'\bid="([^"]+)"', text))
        parser = HTMLParser()
        parser.feed(text)
        parser.close()


def test_the_field_page_shows_the_top_stars_in_all_bands(pages):
    text = pages["ztf_field_250.html"]
    # pnp rises along the rows: the last two light curves are the two redder bands of star 11.
    for number in (3, 2):
        figure = text.split(f'id="star-{source_id(250, 11, number)}"')[1].split("</figure>")[0]
        assert all(f"var(--band-{band})" in figure for band in "gri")
        assert f"period {period_of(11):.6g} d" in figure


def test_labels_without_high_scores_have_no_pictures(pages):
    assert 'id="stars-pnp_xgb"' in pages["ztf_field_250.html"]
    assert 'id="stars-rrab_xgb"' not in pages["ztf_field_250.html"]


def test_without_any_high_score_the_best_few_labels_are_drawn(pages):
    drawn = re.findall(r'<section id="stars-(\w+)"', pages["ztf_field_202.html"])
    assert drawn == ["ew_xgb", "eb_xgb", "ea_xgb"]


def test_the_training_page_shows_every_label_and_its_top_stars(pages):
    text = next(text for name, text in pages.items() if name.startswith("training"))
    assert 'id="label-vnv"' in text and 'id="label-pnp"' in text
    rows = part_for_tests()
    best = rows[rows["label"] == "vnv"].sort_values("score", ascending=False)["source_id"]
    assert all(f'id="star-{i}"' in text for i in best.head(2))


def test_stages_are_counted_in_their_order(filled):
    counts = stage_counts(filled, scores_of(filled), survey="ztf", field=250)
    expected = [
        ("ingested", N_CURVES),
        ("with features", N_CURVES),
        ("scored, status ok", N_CURVES),
    ]
    assert counts == expected


def test_quarantine_of_other_fields_is_not_counted(filled):
    found = quarantine_counts(filled, survey="ztf", field=202)
    assert [(q.job, q.reason, q.rows, q.epochs) for q in found] == [
        ("compute_features", "too_few_epochs", 1, 20),
        ("ingest_light_curves", "duplicate", 1, None),
        ("ingest_light_curves", "nan", 1, 7),
    ]


def test_score_columns_are_found_and_counted(filled):
    found = label_scores(scores_of(filled), TAXONOMY.scored, threshold=0.7)
    scores = scores_of_250()
    assert [c.column for c in found] == ["vnv_xgb", "pnp_xgb", "rrab_xgb", "pnp_dnn"]
    assert [c.n_above for c in found] == [int((s > 0.7).sum()) for s in scores.values()]
    assert [c.best for c in found] == pytest.approx([s.max() for s in scores.values()], abs=1e-6)


def test_histograms_are_those_of_numpy(filled):
    columns = label_scores(scores_of(filled), TAXONOMY.scored, threshold=0.7)
    counts = histogram_counts(scores_of(filled), columns)
    for name, scores in scores_of_250().items():
        expected, _ = np.histogram(np.float32(scores), np.linspace(0, 1, BINS + 1))
        np.testing.assert_array_equal(counts[name], expected)


def test_top_sources_are_the_highest_scores_in_order(filled):
    columns = label_scores(scores_of(filled), TAXONOMY.scored, threshold=0.7)
    best = top_sources(scores_of(filled), columns, 4)
    for name, scores in scores_of_250().items():
        order = np.lexsort((IDS, -scores))[:4]
        assert [source.source_id for source in best[name]] == [IDS[n] for n in order]


def test_agreement_in_a_table_is_that_in_a_frame(filled):
    pairs = tree_pairs(TAXONOMY, ["vnv", "pnp"])
    columns = {"vnv": "vnv_xgb", "pnp": "pnp_xgb"}
    found = count_agreement_in_table(scores_of(filled), pairs, columns=columns, threshold=0.7)
    frame = pd.DataFrame({label: scores_of_250()[c] for label, c in columns.items()})
    assert found == count_agreement(frame, pairs, threshold={"vnv": 0.7, "pnp": 0.7})
    assert found[0].n_child == int((scores_of_250()["pnp_xgb"] > 0.7).sum())


def test_stars_have_the_epochs_that_features_are_made_from(filled):
    data = gather_field(filled, TAXONOMY, survey="ztf", field=250, top=1)
    star = data.stars[IDS[-1]]
    assert [curve.band for curve in star.curves] == ["g", "r", "i"]
    for curve in star.curves:
        # Half an hour between kept epochs, as conf/survey/ztf.toml asks for.
        assert np.diff(curve.time).min() >= 30.0 / 1440.0


def test_a_field_without_scores_is_refused_naming_those_with(filled):
    with pytest.raises(ContractError, match=r"'ztf' field 999.*fields with scores: 202, 250"):
        report.main(["--warehouse", filled.root, "--survey", "ztf", "--fields", "250,999"])


def test_a_survey_without_scores_is_refused_naming_those_with(filled):
    with pytest.raises(ContractError, match=r"'asas_v'.*surveys with scores: ztf; run infer"):
        report.main(["--warehouse", filled.root, "--survey", "asas_v"])


def test_without_models_the_message_says_what_to_run(spark, tmp_path):
    with pytest.raises(ContractError, match="no model of xgb or dnn or stack is in production"):
        report.main(["--warehouse", str(tmp_path / "empty")])


def test_a_field_in_which_no_light_curve_could_be_scored_has_a_page(spark, tmp_path):
    warehouse = Warehouse(spark, str(tmp_path))
    write_fields(warehouse, field_rows(TAXONOMY.scored, field=3, n_stars=1, scores={}))
    data = gather_field(warehouse, TAXONOMY, survey="ztf", field=3, top=5)
    assert data.columns == [] and data.stars == {}
    assert "No light curve is above the threshold" in render(field_page(data, TAXONOMY))


def test_one_field_into_a_folder_of_choice(filled, tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        report.main(["--warehouse", filled.root, "--survey", "ztf", "--fields", "202",
                     "--output", str(tmp_path)])  # fmt: skip
    names = sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith("."))
    assert names[1:] == ["ztf_field_202.html"]


def test_networks_and_trees_are_compared_on_the_light_curves_that_both_were_tested_on(
    filled: Warehouse, tmp_path: Path
):
    part = part_for_tests()
    others = part[part["label"] == "pnp"].iloc[:20].assign(score=lambda t: 1 - t["score"])
    networks = write_models(model_files(filled), others, {"pnp": "phenomenological"}, algorithm=DNN)
    (trees,) = {model.version for model in read_models(filled)}
    pair = f"dnn-{networks},xgb-{trees}"
    report.main(["--warehouse", filled.root, "--models", pair, "--output", str(tmp_path)])
    text = (tmp_path / f"comparison_dnn-{networks}_xgb-{trees}.html").read_text()
    assert "AP, dnn" in text and "AP, xgb" in text
    # One label and 20 light curves are in both.
    assert re.search(r"Judgements.*?20", text, re.DOTALL)


def test_sets_without_a_common_light_curve_are_not_compared(filled: Warehouse, tmp_path: Path):
    other = part_for_tests().assign(source_id=lambda t: t["source_id"] + 10**9)
    networks = write_models(
        model_files(filled), other, dict.fromkeys(("vnv", "pnp"), "phenomenological"),
        algorithm=DNN,
    )  # fmt: skip
    (trees,) = {model.version for model in read_models(filled)}
    assert not compare_sets(
        model_files(filled), (f"dnn-{networks}", f"xgb-{trees}"), labels=TAXONOMY.scored
    )
