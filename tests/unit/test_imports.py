"""Imports go one way: jobs, streaming -> models -> udfs. Importing a module does nothing else."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PACKAGES = ("udfs", "models", "jobs", "streaming")
# What the modules of a layer may import of ours; the longest prefix that fits decides.
ALLOWED = {
    "udfs": ("udfs",),
    "models": ("udfs", "models"),
    "streaming": ("udfs", "models", "jobs.common", "streaming"),
    # An entry point: its page is drawn like all others.
    "streaming.rescore_night": ("udfs", "models", "jobs.common", "jobs.reports", "streaming"),
    "jobs.common": ("udfs", "models", "jobs.common"),
    "jobs": ("udfs", "models", "jobs"),
}
OURS = (*PACKAGES, "tests")

IMPORT_ALL = """
import importlib, json, logging, os, sys, threading
before = dict(os.environ)
sys.path.insert(0, sys.argv[1])
files = {}
for name in json.loads(sys.argv[2]):
    files[name] = importlib.import_module(name).__file__
from pyspark import SparkContext
from pyspark.sql import SparkSession
print(json.dumps({
    "files": files,
    "session": SparkSession._instantiatedSession is not None,
    "context": SparkContext._active_spark_context is not None,
    "gateway": SparkContext._gateway is not None,
    "handlers": [str(h) for h in logging.getLogger().handlers],
    "ours": [n for n, l in logging.root.manager.loggerDict.items()
             if n.split(".")[0] in ("udfs", "models", "jobs", "streaming")
             and getattr(l, "handlers", None)],
    "environment": sorted(k for k in os.environ if os.environ.get(k) != before.get(k)),
    "folder": os.listdir("."),
}))
"""


def modules(*folders: str) -> Iterator[tuple[str, Path]]:
    """Dotted name and file of every module in the folders."""
    for folder in folders:
        for path in sorted((PROJECT / folder).rglob("*.py")):
            parts = path.relative_to(PROJECT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def layer_of(module: str) -> str:
    fitting = [layer for layer in ALLOWED if f"{module}.".startswith(f"{layer}.")]
    return max(fitting, key=len)


def imported(source: str) -> Iterator[str]:
    """Dotted names that a source imports, also inside functions; ``.`` for a relative import."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                yield "."
            else:
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def wrong_arrows(module: str, source: str) -> list[str]:
    """The imports of a module that its layer does not allow."""
    allowed = ALLOWED[layer_of(module)]
    return [
        name
        for name in imported(source)
        if name == "."
        or (
            name.split(".")[0] in OURS
            and not any(f"{name}.".startswith(f"{prefix}.") for prefix in allowed)
        )
    ]


@pytest.mark.parametrize(
    ("module", "source", "wrong"),
    [
        ("udfs.a", "from models import registry", ["models.registry"]),
        ("udfs.a", "def f():\n    import jobs.common.cli", ["jobs.common.cli"]),
        ("udfs.a", "from . import b", ["."]),
        ("udfs.a", "from udfs.b import c\nimport numpy", []),
        ("models.a", "from jobs.common import cli", ["jobs.common.cli"]),
        ("models.a", "import streaming", ["streaming"]),
        ("jobs.common.a", "from jobs import infer_fields", ["jobs.infer_fields"]),
        ("jobs.common.a", "from jobs.infer_fields import score", ["jobs.infer_fields.score"]),
        ("jobs.a", "from tests.conftest import spark", ["tests.conftest.spark"]),
        ("jobs.a", "from jobs.b import c\nfrom jobs.common import cli", []),
        ("streaming.a", "from jobs import infer_fields", ["jobs.infer_fields"]),
        ("streaming.a", "from jobs.common import cli", []),
        ("jobs.commonplace", "import jobs.a", []),
    ],
)
def test_the_rule_itself(module, source, wrong):
    assert wrong_arrows(module, source) == wrong


def test_no_import_points_back():
    found = {
        module: wrong
        for module, path in modules(*PACKAGES)
        if (wrong := wrong_arrows(module, path.read_text()))
    }
    assert found == {}


def test_only_tests_import_tests():
    others = [*PACKAGES, "deploy", "benchmarks", "notebooks"]
    assert {
        module
        for module, path in modules(*others)
        if any(name.split(".")[0] in ("tests", "conftest") for name in imported(path.read_text()))
    } == set()


def test_every_folder_of_code_is_a_package():
    # setuptools installs only folders with an __init__.py.
    bare = {
        str(path.parent.relative_to(PROJECT))
        for _, path in modules(*PACKAGES)
        if not (path.parent / "__init__.py").exists()
    }
    assert bare == set()


def test_importing_everything_starts_nothing(tmp_path):
    names = [name for name, _ in modules(*PACKAGES)]
    result = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, str(PROJECT), json.dumps(names)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    # Nothing but our own line: no module prints.
    (line,) = result.stdout.splitlines()
    report = json.loads(line)
    assert {name: Path(file) for name, file in report.pop("files").items()} == dict(
        modules(*PACKAGES)
    )
    # scikit-learn sets two KMP_ variables for OpenMP.
    assert [key for key in report.pop("environment") if not key.startswith("KMP_")] == []
    assert report == {
        "session": False,
        "context": False,
        "gateway": False,
        "handlers": [],
        "ours": [],
        "folder": [],
    }
