"""The report of two sets of models side by side, as SCoPe compares its networks and its trees."""

from collections.abc import Sequence

from jobs.reports.comparison import Compared
from jobs.reports.page import Cell, Column, Page, Section, Table, count_cell, number_cell
from jobs.reports.plots_comparison import precision_recall, reliabilities, score_maps


def comparison_page(compared: Sequence[Compared], *, names: tuple[str, str]) -> Page:
    """Lay out what ``compare_predictions`` found; ``names`` are those of the two sets."""
    rows = sum(len(one.target) for one in compared)
    return Page(
        title=f"{names[0]} and {names[1]}",
        summary=f"{len(compared)} labels, each judged by both sets of models on the same light "
        "curves of the test part.",
        facts=[
            ("First", names[0]),
            ("Second", names[1]),
            ("Labels", str(len(compared))),
            ("Judgements", f"{rows:,}"),
        ],
        sections=[
            Section(
                "metrics",
                "Precision and recall",
                pictures=[precision_recall(compared, names=names)],
                tables=[_table(compared, names)],
            ),
            Section("maps", "Score against score", pictures=[score_maps(compared, names=names)]),
            Section(
                "calibration",
                "Do the scores come true?",
                pictures=[reliabilities(compared, names=names)],
            ),
        ],
    )


def _table(compared: Sequence[Compared], names: tuple[str, str]) -> Table:
    first, second = (name.split("-")[0] for name in names)
    if first == second:
        first, second = "first", "second"
    columns = [
        Column("label"), Column("test +", True), Column("test −", True),
        Column(f"AP, {first}", True), Column(f"AP, {second}", True),
        Column("agree", True), Column("yes", True), Column("top", True), Column("of", True),
    ]  # fmt: skip
    return Table(
        "both",
        "AP is the average precision. Agree: share of light curves on which both say yes or both "
        "no; yes: of those to which either says yes, the share to which both do; top: what the two "
        "lists of highest scores share, as long as the first set has yeses.",
        columns,
        [_row(one) for one in compared],
    )


def _row(one: Compared) -> list[Cell]:
    positives = int(one.target.sum())
    agreement = one.agreement
    return [
        Cell(one.label), count_cell(positives), count_cell(one.target.size - positives),
        number_cell(one.first_metrics["average_precision"], 3),
        number_cell(one.second_metrics["average_precision"], 3),
        number_cell(agreement.at_threshold, 3), number_cell(agreement.yes_at_threshold, 3),
        number_cell(agreement.top, 3), count_cell(agreement.n_top),
    ]  # fmt: skip
