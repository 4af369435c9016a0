"""Run a notebook in Databricks source format on this machine and keep it, with its figures."""

import argparse
import ast
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from traitlets.config import Config

from udfs.errors import ContractError

FIRST_LINE = "# Databricks notebook source"
NEXT_CELL = "# COMMAND ----------"
MAGIC = "# MAGIC"
HIDDEN = "hidden"
EXAMPLES = """
example:
  python notebooks/run.py notebooks/quick_start.py --set stars=80 --output quick_start.html

The same file runs on Databricks as it is. Here the notebook gets `spark`, `dbutils.widgets` and
`display` from notebooks/local.py.
"""
SET_UP = """
import sys
sys.path.insert(0, {folder!r})
from local import Dbutils, display
from jobs.common.session import open_session
dbutils = Dbutils({values!r})
spark = open_session("notebook")
"""


def cells_of(source: str, *, name: str) -> list[tuple[str, str]]:
    """The cells of a notebook in source format: ("code" or "markdown", text).

    Raises
    ------
    ContractError
        If the first line is not that of a notebook, or a cell uses a magic other than %md.
    """
    first, _, rest = source.partition("\n")
    if first.rstrip() != FIRST_LINE:
        raise ContractError(f"{name} line 1: {first!r}, expected {FIRST_LINE!r}")
    cells = []
    for number, text in enumerate(rest.split(NEXT_CELL), start=1):
        lines = text.strip().splitlines()
        if not any(line.startswith(MAGIC) for line in lines):
            cells.append(("code", "\n".join(lines)))
            continue
        words = [line.removeprefix(MAGIC).removeprefix(" ") for line in lines]
        kind, _, first_words = words[0].partition(" ")
        if kind != "%md" or not all(line.startswith(MAGIC) for line in lines):
            raise ContractError(f"{name} cell {number}: {lines[0]!r}; of the magics only %md runs")
        cells.append(("markdown", "\n".join([first_words, *words[1:]]).strip()))
    return [cell for cell in cells if cell[1]]


def widgets_of(source: str) -> list[str]:
    """Names of the widgets that a notebook declares."""
    return [
        str(ast.literal_eval(node.args[0]))
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("dbutils.widgets.text", "dbutils.widgets.dropdown")
    ]


def as_notebook(cells: Sequence[tuple[str, str]], values: Mapping[str, str]) -> NotebookNode:
    """A Jupyter notebook with a first, hidden cell that makes up for Databricks."""
    v4 = nbformat.v4
    folder = str(Path(__file__).resolve().parent)
    set_up = v4.new_code_cell(SET_UP.format(folder=folder, values=dict(values)).strip())
    set_up.metadata["tags"] = [HIDDEN]
    make = {"code": v4.new_code_cell, "markdown": v4.new_markdown_cell}
    return v4.new_notebook(cells=[set_up, *[make[kind](text) for kind, text in cells]])


def as_html(notebook: NotebookNode) -> str:
    """The notebook with its outputs as one HTML file that loads nothing."""
    exporter = HTMLExporter(
        config=Config(TagRemovePreprocessor={"enabled": True, "remove_cell_tags": {HIDDEN}})
    )
    for url in ("mathjax_url", "require_js_url", "jquery_url", "mermaid_js_url"):
        setattr(exporter, url, "")
    html, _ = exporter.from_notebook_node(notebook)
    return str(html)


def run(path: Path, values: Mapping[str, str], *, output: Path, timeout_s: int) -> None:
    """Run all cells and write the HTML; also when a cell fails, up to that cell.

    Raises
    ------
    ContractError
        For a value without a widget, or a source that is no notebook.
    CellExecutionError
        If a cell fails.
    """
    source = path.read_text()
    cells = cells_of(source, name=path.name)
    known = widgets_of(source)
    for name in values:
        if name not in known:
            raise ContractError(
                f"--set {name}: {path.name} has no such widget; it has: {', '.join(known)}"
            )
    notebook = as_notebook(cells, values)
    try:
        NotebookClient(notebook, timeout=timeout_s, kernel_name="python3").execute()
    finally:
        output.write_text(as_html(notebook))


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; 1 if a cell failed, 2 if the call was wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("notebook", type=Path)
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="value of a widget"
    )
    parser.add_argument("--output", type=Path, help="HTML to write (default: beside the notebook)")
    parser.add_argument("--timeout", type=int, default=1800, help="seconds per cell (default 1800)")
    args = parser.parse_args(argv)
    output = args.output or args.notebook.with_suffix(".html")
    values = dict(item.partition("=")[::2] for item in args.set)
    try:
        run(args.notebook, values, output=output, timeout_s=args.timeout)
    except ContractError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    except CellExecutionError as error:
        sys.stderr.write(f"{error}\nerror: a cell failed; {output} has the notebook up to it\n")
        return 1
    sys.stdout.write(f"{output}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
