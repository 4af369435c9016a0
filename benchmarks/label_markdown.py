"""The figures of a study as the tables of docs/results.md."""

from collections.abc import Sequence
from typing import Any

from label_learners import FOREST

from models.evaluation.superclasses import NAMES

STACK = "stack"


def markdown(table: dict[str, Any]) -> str:
    """Every table of ``results``, one after another."""
    parts = [_macro(table), _labels(table), _precision_recall(table), _calibration(table)]
    parts += [_consistency(of, model) for model, of in table["consistency"].items()]
    if "agreement" in table:
        parts.append(_agreement(table["agreement"]))
    parts += [_groups(table, key) for key in ("by median magnitude", "by number of epochs")]
    if "superclasses" in table:
        parts.append(_superclasses(table["superclasses"]))
    return "\n".join(parts)


def _rows(head: Sequence[str], rows: Sequence[Sequence[str]], title: str) -> str:
    lines = [f"{title}\n", "| " + " | ".join(head) + " |",
             "|" + "|".join(["---", *["---:"] * (len(head) - 1)]) + "|"]  # fmt: skip
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def _macro(table: dict[str, Any]) -> str:
    rows = []
    for model in table["models"]:
        of = table["macro"][model]
        leads = [
            f"{lead[0]:+.3f} ({lead[1]:+.3f} to {lead[2]:+.3f})" if lead else ""
            for lead in (of["minus"].get(other) for other in _others(table))
        ]
        low, high = of["interval"]
        value = f"{of['average_precision']:.3f} ({low:.3f} to {high:.3f})"
        rows.append([model, value, *leads])
    head = ["model", "macro average precision", *(f"less {other}" for other in _others(table))]
    return _rows(head, rows, f"{table['stars']:,} stars, {len(table['labels'])} labels")


def _others(table: dict[str, Any]) -> list[str]:
    return [m for m in (FOREST, table["models"][0]) if m in table["models"]]


def _labels(table: dict[str, Any]) -> str:
    rows = []
    for e in sorted(table["labels"], key=lambda e: -e["positive"]):
        found = [e[m] for m in table["models"]]
        best = max(f["average_precision"] for f in found)
        cells = []
        for f in found:
            value = f"{f['average_precision']:.3f}"
            cells.append(f"**{value}**" if f["average_precision"] == best else value)
        rows.append([e["label"], f"{e['positive']:,}", f"{e['negative']:,}", *cells])
    return _rows(["label", "with", "without", *table["models"]], rows, "Average precision")


def _precision_recall(table: dict[str, Any]) -> str:
    models = table["models"][:2] + [m for m in (STACK,) if m in table["models"]]
    rows = [
        [e["label"], *(f"{_or_dash(e[m]['precision'])} / {e[m]['recall']:.2f}" for m in models)]
        for e in sorted(table["labels"], key=lambda e: -e["positive"])
    ]
    return _rows(["label", *models], rows, "Precision / recall at 0.7")


def _or_dash(value: float) -> str:
    """Precision does not exist where no score is above the threshold."""
    return "–" if value != value else f"{value:.2f}"


def _calibration(table: dict[str, Any]) -> str:
    rows = [
        [model, f"{of['calibration_error']:.4f}", f"{of['log_loss']:.4f}"]
        for model, of in table["calibration"].items()
    ]
    return _rows(["model", "calibration error", "log loss"], rows, "Calibration, mean over labels")


def _consistency(of: dict[str, Any], model: str) -> str:
    rows = [
        [how, f"{e['log_loss']:.5f}", f"{e['average_precision']:.4f}"]
        for how, e in of.items()
        if how != "pairs"
    ]
    table = _rows(["projection", "log loss", "macro average precision"], rows, f"Trees, {model}")
    shares = "; ".join(
        f"{pair} {100 * e['share']:.0f} % of {e['children']}"
        for pair, e in of["pairs"].items()
        if e["children"]
    )
    return f"{table}\nBefore it, of those above 0.7: {shares}.\n"


def _agreement(table: list[dict[str, Any]]) -> str:
    rows = [
        [
            e["label"],
            f"{100 * e['at_threshold']:.1f} %",
            "–" if e["yes"] is None else f"{100 * e['yes']:.0f} %",
            "–" if e["top"] is None else f"{100 * e['top']:.0f} % of {e['n_top']}",
        ]
        for e in table
    ]
    return _rows(["label", "same answer", "of the yeses", "highest scores"], rows, "Agreement")


def _groups(table: dict[str, Any], key: str) -> str:
    rows = [
        [f"{g['low']:.4g} to {g['high']:.4g}", *(f"{g[m]:.3f}" for m in table["models"])]
        for g in table[key]
    ]
    title = f"Macro average precision {key}, {table[key][0]['labels']} labels"
    return _rows([key.removeprefix("by "), *table["models"]], rows, title)


def _superclasses(table: dict[str, Any]) -> str:
    rows = []
    for model, of in table.items():
        cells = []
        for name in NAMES:
            low, high = of["averages"][name]["interval"]
            cells.append(f"{of['averages'][name]['value']:.3f} ({low:.3f} to {high:.3f})")
        rows.append([model, *cells])
    averages = _rows(["model", *NAMES], rows, "Superclasses")
    best = table[STACK] if STACK in table else next(iter(table.values()))
    per_class = [
        [name, f"{e['stars']:,}", f"{e['precision']:.3f}", f"{e['recall']:.3f}"]
        for name, e in best["per class"].items()
    ]
    return averages + "\n" + _rows(["class", "stars", "precision", "recall"], per_class, "Each")
