"""Figures of docs/results.md from what label_results.py wrote: python label_figures.py OUT DOCS."""

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

matplotlib.use("agg")
COLOURS = ("#868c95", "#2463a6", "#c05a1e", "#1d8a4f")
STYLE = {
    "font.size": 9.0, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
    "grid.color": "#d8dade", "grid.linewidth": 0.6, "axes.axisbelow": True,
    "legend.frameon": False, "svg.fonttype": "none", "svg.hashsalt": "lambdasky",
}  # fmt: skip


def shown_models(table: dict[str, Any]) -> list[str]:
    """The forest, the two models that are stacked, and the stack."""
    rest = [m for m in table["models"] if m not in ("forest", "stack")][:2]
    return [m for m in ("forest", *rest, "stack") if m in table["models"]]


def per_label(axes: Axes, table: dict[str, Any], title: str) -> None:
    """Average precision of each label and model with its interval."""
    labels = sorted(table["labels"], key=lambda e: -e["positive"])
    rows = np.arange(len(labels))
    models = shown_models(table)
    for k, (model, colour) in enumerate(zip(models, COLOURS, strict=False)):
        y = rows + 0.17 * (k - (len(models) - 1) / 2)
        values = np.array([e[model]["average_precision"] for e in labels])
        low, high = np.array([e[model]["interval"] for e in labels]).T
        axes.hlines(y, low, high, color=colour, lw=2.4, alpha=0.3)
        axes.plot(values, y, "o", ms=3.4, color=colour, label=model)
    axes.set_yticks(rows, [f"{e['label']} ({e['positive']:,})" for e in labels])
    axes.set(title=title, xlabel="average precision", xlim=(0, 1.01), ylim=(len(rows) - 0.4, -0.6))
    axes.grid(axis="y", visible=False)


def by_group(axes: Axes, table: dict[str, Any], key: str) -> None:
    """Macro average precision against a property of the light curve."""
    groups = table[key]
    middle = [(g["low"] + g["high"]) / 2 for g in groups]
    for model, colour in zip(shown_models(table), COLOURS, strict=False):
        axes.plot(middle, [g[model] for g in groups], "o-", ms=3.4, lw=1.2, color=colour)
    axes.set(xlabel=key.removeprefix("by "), ylabel="macro average precision")


def main(out: Path, docs: Path) -> None:
    """Write label_results.svg and label_groups.svg."""
    tables = {p.stem: json.loads(p.read_text("utf-8")) for p in sorted(out.glob("*.json"))}
    studies = {name: t for name, t in tables.items() if name in ("asas_v", "crts_csdr1")}
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with rc_context(STYLE):  # type: ignore[arg-type]
        tallest = max(len(t["labels"]) for t in studies.values())
        figure = Figure(figsize=(9.4, 0.9 + 0.27 * tallest), layout="constrained")
        panels = figure.subplots(1, len(studies), squeeze=False)[0]
        for axes, (name, table) in zip(panels, studies.items(), strict=True):
            per_label(axes, table, f"{name}, {table['stars']:,} stars")
        panels[0].legend(loc="lower left", fontsize=8)
        figure.savefig(docs / "label_results.svg", metadata=nothing)
        figure = Figure(figsize=(9.4, 2.6 * len(studies)), layout="constrained")
        grid = figure.subplots(len(studies), 2, squeeze=False)
        for pair, (name, table) in zip(grid, studies.items(), strict=True):
            for axes, key in zip(pair, ("by median magnitude", "by number of epochs"), strict=True):
                by_group(axes, table, key)
                axes.set_title(name, fontsize=9)
        figure.savefig(docs / "label_groups.svg", metadata=nothing)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
