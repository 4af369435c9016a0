import ast
import base64
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from udfs.errors import ContractError

PROJECT = Path(__file__).resolve().parents[2]
RUNNER = PROJECT / "notebooks" / "run.py"
# The folder of notebooks is no package: nothing imports it, so it is loaded by its path.
_spec = importlib.util.spec_from_file_location("run_notebook", RUNNER)
runner = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(runner)
NOTEBOOKS = sorted(
    path
    for path in (PROJECT / "notebooks").glob("*.py")
    if path.read_text().startswith(runner.FIRST_LINE)
)
QUICK_START = PROJECT / "notebooks" / "quick_start.py"


def in_source_format(*cells: str) -> str:
    return runner.FIRST_LINE + "\n" + f"\n{runner.NEXT_CELL}\n".join(cells)


def test_cells_are_split_and_text_cells_become_markdown():
    source = in_source_format(
        "# MAGIC %md\n# MAGIC # Title\n# MAGIC\n# MAGIC text", "a = 1\n\nb = 2"
    )
    assert runner.cells_of(source, name="n") == [
        ("markdown", "# Title\n\ntext"),
        ("code", "a = 1\n\nb = 2"),
    ]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import os\n", "line 1: 'import os', expected '# Databricks notebook source'"),
        (in_source_format("a = 1", "# MAGIC %sql\n# MAGIC SELECT 1"), "cell 2.*only %md"),
        (in_source_format("# MAGIC %md\nx = 1"), "cell 1"),
    ],
)
def test_what_does_not_run_here_is_refused(source, message):
    with pytest.raises(ContractError, match=message):
        runner.cells_of(source, name="n")


def test_the_first_cell_of_the_jupyter_notebook_is_valid_and_hidden():
    notebook = runner.as_notebook([("code", "a = 1")], {"x": "it's"})
    nbformat.validate(notebook)
    ast.parse(notebook.cells[0].source)
    assert notebook.cells[0].metadata["tags"] == ["hidden"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_define_nothing(path):
    tree = ast.parse(path.read_text())
    defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    assert [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, defined)] == []


def test_a_value_without_a_widget_is_refused(capsys):
    assert runner.main([str(QUICK_START), "--set", "star=3"]) == 2
    assert "no such widget; it has: warehouse, stars" in capsys.readouterr().err
    assert "stars" in runner.widgets_of(QUICK_START.read_text())


def run(notebook: Path, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(RUNNER), str(notebook), *args]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_failing_cell_fails_the_run_and_keeps_what_came_before(tmp_path):
    notebook = tmp_path / "fails.py"
    notebook.write_text(in_source_format("6 * 7", "1 / 0", "'never'"))
    done = run(notebook)
    assert done.returncode == 1 and "ZeroDivisionError" in done.stderr
    html = notebook.with_suffix(".html").read_text()
    assert ">42" in html and "never" not in re.sub(r"(?s)class=.highlight.*?</pre>", "", html)
    assert "ZeroDivisionError" in html


def test_the_quick_start_runs_unchanged_and_keeps_its_figures(tmp_path):
    output = tmp_path / "quick_start.html"
    done = run(
        QUICK_START, "--set", f"warehouse={tmp_path / 'warehouse'}", "--set", "stars=40",
        "--set", "max_freq_per_day=3", "--output", str(output),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    html = output.read_text()
    pictures = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    assert len(pictures) == 2
    assert all(base64.b64decode(p[:64]).startswith(b"\x89PNG") for p in pictures)
    # The steps, each by a line that only its job prints.
    for words in ("finished quadrants=1 stars=40", "epochs: ", "compute_features: ",
                  "next: promote_models", "changed, in one commit", "rows in = ",
                  "ztf_field_250.html"):  # fmt: skip
        assert words in html, words
    assert "Dbutils(" not in html
    assert not re.search(r"<(?:script|link|img)[^>]+(?:src|href)=\"(?:https?:)?//", html)
    reports = sorted((tmp_path / "warehouse" / "reports").glob("*.html"))
    assert len(reports) == 2
