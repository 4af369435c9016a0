"""Pictures of a trained model set: all labels at a glance, and five views of one label."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_curve, roc_curve

from jobs.reports.svg import ACCENT, MUTED, WARM, Picture, draw

SCORE_BINS = np.linspace(0.0, 1.0, 41)
TOP_IMPORTANCES = 8


@dataclass(frozen=True)
class Evaluation:
    """What the test part says of the model of one label.

    ``metrics`` is what ``models.metrics.label_metrics`` returns; ``target`` and ``score`` are
    (n,), one element per light curve of the test part; ``examples`` counts the positive light
    curves of all parts.
    """

    label: str
    name: str
    examples: int
    metrics: Mapping[str, Any]
    target: npt.NDArray[np.int8]
    score: npt.NDArray[np.float32]
    importances: Mapping[str, float]

    @property
    def threshold(self) -> float:
        """Score above which a light curve has the label."""
        return float(self.metrics["threshold"])


def overview(evaluations: Sequence[Evaluation]) -> Picture:
    """Precision and recall of every label with their intervals, most examples first."""
    return draw(
        "overview",
        partial(_paint_overview, evaluations),
        size=(8.6, 0.9 + 0.21 * len(evaluations)),
        alt=f"Precision and recall of {len(evaluations)} labels; the table below has the numbers.",
        caption="Precision and recall on the test part, labels with most examples on top. Bars are "
        "95 % intervals from a bootstrap over stars. A wide bar means few test stars, whatever the "
        "dot says; expect it near the bottom. Precision is undefined where no score is above the "
        "threshold, recall where no test star has the label.",
    )


def label_picture(evaluation: Evaluation) -> Picture:
    """ROC, precision against recall, confusion, importances and scores of one label."""
    numbers = evaluation.metrics
    return draw(
        f"eval-{evaluation.label}",
        partial(_paint_label, evaluation),
        size=(9.4, 5.0),
        alt=f"{evaluation.label}: area under the ROC curve {_text(numbers['roc_auc'])}, average "
        f"precision {_text(numbers['average_precision'])}, {numbers['true_positives']} true and "
        f"{numbers['false_positives']} false positives, {numbers['false_negatives']} missed.",
        caption="A good model hugs the upper left corner of the first panel and the upper right "
        f"one of the second; the dot is the threshold {evaluation.threshold:g}. Scores of the two "
        "classes should pile up at opposite ends: what overlaps is confused, whatever the "
        "threshold.",
    )


def _paint_overview(evaluations: Sequence[Evaluation], figure: Figure) -> None:
    panels = figure.subplots(1, 2, sharey=True)
    rows = np.arange(len(evaluations))
    for axes, metric, colour in zip(panels, ("precision", "recall"), (ACCENT, WARM), strict=True):
        for row, evaluation in zip(rows, evaluations, strict=True):
            value, interval = evaluation.metrics[metric], evaluation.metrics[f"{metric}_95"]
            if value is None:
                axes.text(0.01, row, "undefined", va="center", fontsize=7.5, color=MUTED)
                continue
            if interval is not None:
                axes.plot(interval, [row, row], color=colour, lw=3.2, alpha=0.3)
            axes.plot(value, row, "o", ms=4.2, color=colour)
        axes.set(title=metric, xlim=(-0.02, 1.02), ylim=(len(evaluations) - 0.5, -0.5))
        axes.grid(axis="y", visible=False)
    panels[0].set_yticks(rows, [f"{e.label}  ({e.examples:,})" for e in evaluations])


def _paint_label(evaluation: Evaluation, figure: Figure) -> None:
    panels = figure.subplot_mosaic([["roc", "pr", "confusion"], ["gain", "scores", "scores"]])
    figure.get_layout_engine().set(h_pad=0.12)  # type: ignore[union-attr, call-arg]
    both = 0 < int(evaluation.target.sum()) < evaluation.target.size
    if both:
        _roc(panels["roc"], evaluation)
        _precision_recall(panels["pr"], evaluation)
    else:
        for name in ("roc", "pr"):
            panels[name].text(0.5, 0.5, "needs both classes\nin the test part", ha="center")
            panels[name].set_axis_off()
    _confusion(panels["confusion"], evaluation.metrics)
    _importances(panels["gain"], evaluation.importances)
    _scores(panels["scores"], evaluation)


def _roc(axes: Axes, evaluation: Evaluation) -> None:
    fall_out, recall, _ = roc_curve(evaluation.target, evaluation.score)
    axes.plot([0, 1], [0, 1], color=MUTED, lw=0.8, ls=(0, (3, 3)))
    axes.plot(fall_out, recall, color=ACCENT, lw=1.6)
    counts = evaluation.metrics
    negatives = counts["false_positives"] + counts["true_negatives"]
    axes.plot(counts["false_positives"] / negatives, counts["recall"], "o", ms=5, color=WARM)
    axes.set(
        title=f"ROC, area {_text(counts['roc_auc'])}", xlabel="false positive rate",
        ylabel="true positive rate", xlim=(-0.03, 1.03), ylim=(-0.03, 1.03),
    )  # fmt: skip


def _precision_recall(axes: Axes, evaluation: Evaluation) -> None:
    precision, recall, _ = precision_recall_curve(evaluation.target, evaluation.score)
    axes.step(recall, precision, where="post", color=ACCENT, lw=1.6)
    axes.axhline(float(evaluation.target.mean()), color=MUTED, lw=0.8, ls=(0, (3, 3)))
    counts = evaluation.metrics
    if counts["precision"] is not None:
        axes.plot(counts["recall"], counts["precision"], "o", ms=5, color=WARM)
    axes.set(
        title=f"average precision {_text(counts['average_precision'])}", xlabel="recall",
        ylabel="precision", xlim=(-0.03, 1.03), ylim=(-0.03, 1.03),
    )  # fmt: skip


def _confusion(axes: Axes, counts: Mapping[str, Any]) -> None:
    cells = np.array([
        [counts["true_positives"], counts["false_negatives"]],
        [counts["false_positives"], counts["true_negatives"]],
    ])  # fmt: skip
    share = cells / max(int(cells.sum()), 1)
    for (row, column), n in np.ndenumerate(cells):
        colour = ACCENT if row == column else WARM
        axes.fill_between(
            [column - 0.48, column + 0.48], row - 0.48, row + 0.48,
            color=colour, alpha=0.08 + 0.5 * float(share[row, column]), lw=0,
        )  # fmt: skip
        axes.text(column, row, f"{share[row, column]:.1%}\n{n:,}", ha="center", va="center")
    axes.set_xticks([0, 1], ["yes", "no"])
    axes.set_yticks([0, 1], ["yes", "no"])
    axes.set(
        title="confusion", xlabel="predicted", ylabel="true", xlim=(-0.5, 1.5), ylim=(1.5, -0.5)
    )
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def _importances(axes: Axes, importances: Mapping[str, float]) -> None:
    top = sorted(importances.items(), key=lambda item: -item[1])[:TOP_IMPORTANCES]
    rows = np.arange(len(top))
    axes.barh(rows, [value for _, value in top], color=ACCENT, height=0.66)
    axes.set_yticks(rows, [name for name, _ in top])
    axes.set(title=f"importance, top {len(top)}", ylim=(TOP_IMPORTANCES - 0.5, -0.5))
    axes.set_xlabel("splits on the feature")
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)


def _scores(axes: Axes, evaluation: Evaluation) -> None:
    for value, colour, words in ((0, MUTED, "without"), (1, ACCENT, "with")):
        scores = evaluation.score[evaluation.target == value]
        counts, _ = np.histogram(scores, SCORE_BINS)
        axes.stairs(
            counts, SCORE_BINS, fill=True, color=colour, alpha=0.45,
            label=f"{words} the label ({scores.size:,})",
        )  # fmt: skip
    axes.axvline(evaluation.threshold, color=WARM, lw=1.2)
    axes.set_yscale("symlog", linthresh=1)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set(title="scores of the test part", xlabel="score", ylabel="light curves", xlim=(0, 1))
    axes.set_ylim(bottom=0)
    axes.legend(loc="upper center")


def _text(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"
