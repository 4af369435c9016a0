"""The report of one training run: how good each classifier is on stars that it never saw."""

from collections.abc import Mapping
from typing import Any

from jobs.reports.gallery import Gallery
from jobs.reports.page import Cell, Column, Page, Section, Table, count_cell, number_cell
from jobs.reports.plots_evaluation import Evaluation, label_picture, overview
from jobs.reports.plots_scores import agreement_picture
from jobs.reports.training_data import TrainingData
from models.store import STACK


def training_page(data: TrainingData) -> Page:
    """Lay out one model set."""
    gallery = Gallery(data.stars)
    manifest = data.manifest
    return Page(
        title=f"Training run {data.name}",
        summary=f"{len(data.evaluations)} classifiers, judged on a test part that none of them "
        "was trained on.",
        facts=[
            ("Models", data.name),
            ("Labels", str(len(data.evaluations))),
            _reads(manifest),
            ("Feature mode", str(manifest["mode"])),
            ("Surveys", ", ".join(manifest["surveys"])),
            ("Stars", f"{manifest['stars']:,}"),
            ("Light curves", f"{manifest['light_curves']:,}"),
            ("Split", f"by {manifest['split']}"),
            ("Seed", str(manifest["seed"])),
            ("Trained by", str(manifest["code_version"])),
        ],
        sections=[
            Section(
                "overview",
                "Precision and recall",
                pictures=[overview(data.evaluations)],
                tables=[_metrics_table(data)],
            ),
            _agreement_section(data),
            Section(
                "by-label",
                "Label by label",
                "Most examples first. Under the five views of a label stand its highest scores in "
                "the test part: light curve beside folded curve.",
            ),
            *[_label_section(e, data, gallery) for e in data.evaluations],
        ],
    )


def _reads(manifest: Mapping[str, Any]) -> tuple[str, str]:
    """How many features of each kind the models read, or which sets a stack combines."""
    features = manifest["features"]
    if manifest["algorithm"] == STACK:
        return "Combines", ", ".join(next(iter(features.values())))
    return "Features", ", ".join(f"{len(names)} {kind}" for kind, names in features.items())


def _metrics_table(data: TrainingData) -> Table:
    columns = [
        Column("label"), Column("name"), Column("examples", True), Column("test +", True),
        Column("test −", True), Column("precision", True), Column("95 %", True),
        Column("recall", True), Column("95 %", True), Column("F1", True),
        Column("AP", True), Column("AUC", True),
    ]  # fmt: skip
    return Table(
        "metrics",
        "Metrics on the test part with 95 % intervals. Examples are the positive light curves of "
        "all parts, test + and test − those of the test part; AP is the average precision, AUC "
        "the area under the ROC curve.",
        columns,
        [_metrics_row(e) for e in data.evaluations],
    )


def _metrics_row(e: Evaluation) -> list[Cell]:
    positives = int(e.target.sum())
    return [
        Cell(e.label, href=f"label-{e.label}"), Cell(e.name), count_cell(e.examples),
        count_cell(positives), count_cell(e.target.size - positives),
        number_cell(e.metrics["precision"], 3), _interval_cell(e.metrics["precision_95"]),
        number_cell(e.metrics["recall"], 3), _interval_cell(e.metrics["recall_95"]),
        *[number_cell(e.metrics[name], 3) for name in ("f1", "average_precision", "roc_auc")],
    ]  # fmt: skip


def _interval_cell(interval: list[float] | None) -> Cell:
    """An interval, sorted by its width."""
    if interval is None:
        return Cell("–", float("-inf"))
    low, high = interval
    return Cell(f"{low:.2f} – {high:.2f}", high - low)


def _agreement_section(data: TrainingData) -> Section:
    picture = agreement_picture(data.agreements, name="agreement")
    text = "" if picture else "No light curve is above the threshold in a label with a parent."
    return Section(
        "agreement",
        "Agreement along the label trees",
        text,
        pictures=[picture] if picture else [],
    )


def _label_section(e: Evaluation, data: TrainingData, gallery: Gallery) -> Section:
    best = data.best[e.label]
    scores = [
        f"{score:.2f} ({'right' if target == 1 else 'wrong'})"
        for score, target in zip(best["score"], best["target"], strict=True)
    ]
    pictures, note = gallery.show([int(i) for i in best["source_id"]])
    return Section(
        f"label-{e.label}",
        f"{e.label}: {e.name}",
        f"Highest scores in the test part: {', '.join(scores)}. {note}",
        pictures=[label_picture(e), *pictures],
        level=3,
    )
