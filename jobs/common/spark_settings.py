"""Spark settings in layers: conf/spark/base.conf, then overlays, merged into one file.

``python -m jobs.common.spark_settings local`` prints the merged file. The set-up writes it to
``conf/spark-defaults.conf`` of the installed Spark, where spark-submit, pyspark and the tests all
find it; clusters get the same text as a properties file or as ``spec.sparkConf``.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from udfs.errors import ContractError

PROJECT = Path(__file__).resolve().parents[2]
LAYERS = PROJECT / "conf" / "spark"


def merge_layers(layers: Sequence[str], *, variables: Mapping[str, str]) -> dict[str, str]:
    """``base`` and the named layers, later ones on top; ``${NAME}`` is filled from variables.

    Raises
    ------
    ContractError
        For an unknown layer, a line that is not ``key value``, or a variable without a value.
    """
    merged: dict[str, str] = {}
    for layer in ("base", *layers):
        merged.update(_read(LAYERS / f"{layer}.conf"))
    return {key: _fill(value, variables, key) for key, value in merged.items()}


def default_variables() -> dict[str, str]:
    """Where this checkout keeps its jars and its Python."""
    return {
        "JARS": os.environ.get("LAMBDASKY_JARS", str(PROJECT / ".jars" / "spark")),
        "PYTHON": sys.executable,
        "PROJECT": str(PROJECT),
    }


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        known = ", ".join(sorted(p.stem for p in LAYERS.glob("*.conf")))
        raise ContractError(f"no Spark layer {path.stem!r} in conf/spark; there are: {known}")
    settings = {}
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        key, _, value = text.partition(" ")
        if not key.startswith("spark.") or not value.strip():
            raise ContractError(f"{path.name} line {number}: {text!r} is not 'spark.key value'")
        settings[key] = value.strip()
    return settings


def _fill(value: str, variables: Mapping[str, str], key: str) -> str:
    for name, text in variables.items():
        value = value.replace(f"${{{name}}}", text)
    if "${" in value:
        raise ContractError(f"{key} {value}: unknown variable; known: {', '.join(variables)}")
    return value


def main(argv: Sequence[str] | None = None) -> None:
    """Print the merged settings."""
    parser = argparse.ArgumentParser(description="Print merged Spark settings.")
    parser.add_argument("layers", nargs="*", help="overlays of conf/spark, e.g. local or k8s")
    layers = parser.parse_args(argv).layers
    for key, value in merge_layers(layers, variables=default_variables()).items():
        sys.stdout.write(f"{key} {value}\n")


if __name__ == "__main__":
    main()
