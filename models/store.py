"""A set of trained models as files: written whole, found by version, checked when read.

Layout, under ``<root>/<kind>/``::

    latest                  version in use, one line; written last
    <version>/manifest.json what the set is: labels, features, threshold, origin, checksums
    <version>/<label>.ubj   one XGBoost model
    <version>/imputer.npz   how gaps are filled
    <version>/metrics.json, importances.json, predictions.parquet   the test part
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from models.imputation import Imputer
from models.toml_tables import suggestion
from udfs.errors import ContractError

KIND = "xgb"
LATEST = "latest"
MANIFEST = "manifest.json"
IMPUTER = "imputer.npz"
METRICS = "metrics.json"
IMPORTANCES = "importances.json"
PREDICTIONS = "predictions.parquet"


class Files(Protocol):
    """Where bytes are kept; paths are relative to the root of all models."""

    def read(self, path: str) -> bytes:
        """Content of a file."""

    def write(self, path: str, content: bytes) -> None:
        """Create or replace a file."""

    def names(self, folder: str) -> list[str]:
        """Names in a folder, sorted; empty if there is no such folder."""


@dataclass(frozen=True)
class LocalFiles:
    """Files under a folder of this machine."""

    root: Path

    def read(self, path: str) -> bytes:
        """Content of a file."""
        return (self.root / path).read_bytes()

    def write(self, path: str, content: bytes) -> None:
        """Create or replace a file and the folders above it."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_bytes(content)

    def names(self, folder: str) -> list[str]:
        """Names in a folder, sorted; empty if there is no such folder."""
        where = self.root / folder
        return sorted(p.name for p in where.iterdir()) if where.is_dir() else []


@dataclass(frozen=True)
class ModelSet:
    """All that scoring needs.

    Attributes
    ----------
    version
        Hash of the models, the imputer and their results on the test part.
    manifest
        As stored. ``labels`` has one entry per model, with its ``kind``; ``features`` the
        ordered names per kind.
    models
        Label -> booster in XGBoost's UBJ form.
    imputer
        Shared by all labels.
    """

    version: str
    manifest: dict[str, Any]
    models: dict[str, bytes]
    imputer: Imputer

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels with a model, in the order of the taxonomy."""
        return tuple(self.manifest["labels"])

    def features_of(self, label: str) -> tuple[str, ...]:
        """The features that the model of a label reads, in order."""
        return tuple(self.manifest["features"][self.manifest["labels"][label]["kind"]])


def save(
    files: Files,
    contents: Mapping[str, bytes],
    *,
    described: Mapping[str, Any],
    informative: Mapping[str, Any],
) -> str:
    """Write a model set and put it in use; returns its version.

    The version is a hash of what the set is, without clock or code: the same training data and
    settings give the same version, and writing it again changes nothing. ``latest`` is
    written when everything else is there, so that a killed training leaves the old set in use.

    Parameters
    ----------
    contents : file name -> bytes
    described : what goes into the manifest and into the version
    informative : what goes into the manifest only, such as the version of the code
    """
    checksums = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
    core = {**described, "files": dict(sorted(checksums.items()))}
    version = hashlib.sha256(json.dumps(core, sort_keys=True).encode()).hexdigest()[:12]
    manifest = {"version": version, **core, **informative}
    for name, data in contents.items():
        files.write(f"{KIND}/{version}/{name}", data)
    files.write(f"{KIND}/{version}/{MANIFEST}", json.dumps(manifest, indent=1).encode())
    files.write(f"{KIND}/{LATEST}", f"{version}\n".encode())
    return version


def find_version(files: Files, wanted: str) -> str:
    """The version that ``wanted`` stands for: itself, or the one in use for ``latest``.

    Raises
    ------
    ContractError
        If nothing has been trained yet, or there is no such version.
    """
    names = files.names(KIND)
    versions = [name for name in names if name != LATEST and not name.endswith(".partial")]
    if wanted == LATEST:
        if LATEST not in names:
            raise ContractError("no models have been trained yet: run train_xgb first")
        return files.read(f"{KIND}/{LATEST}").decode().strip()
    if wanted not in versions or MANIFEST not in files.names(f"{KIND}/{wanted}"):
        raise ContractError(f"there are no models of version {wanted!r}{suggestion(wanted, names)}")
    return wanted


def load(files: Files, wanted: str) -> ModelSet:
    """The models of a version, or of ``latest``.

    Raises
    ------
    ContractError
        If there is no such version, or a file is not what was written.
    """
    version = find_version(files, wanted)
    folder = f"{KIND}/{version}"
    manifest = json.loads(files.read(f"{folder}/{MANIFEST}"))

    def checked(name: str) -> bytes:
        content = files.read(f"{folder}/{name}")
        if hashlib.sha256(content).hexdigest() != manifest["files"][name]:
            raise ContractError(
                f"{folder}/{name} is not the file that was trained (checksum differs): train again"
            )
        return content

    return ModelSet(
        version=version,
        manifest=manifest,
        models={label: checked(f"{label}.ubj") for label in manifest["labels"]},
        imputer=Imputer.from_bytes(checked(IMPUTER)),
    )


def check_columns(model_set: ModelSet, columns: Sequence[str], *, modes: Sequence[str]) -> None:
    """Raise ContractError unless a features table suits the models.

    Parameters
    ----------
    columns : names of the table's columns
    modes : the feature modes found among its rows
    """
    present = set(columns)
    for label in model_set.labels:
        expected = model_set.features_of(label)
        missing = [name for name in expected if name not in present]
        if missing:
            raise ContractError(
                f"model {label} {model_set.version} expects {len(expected)} features, table has "
                f"{len(expected) - len(missing)}: missing {', '.join(map(repr, missing[:5]))}; "
                "rebuild the table or use other models"
            )
    trained_on = model_set.manifest["mode"]
    for mode in modes:
        if mode != trained_on:
            raise ContractError(
                f"models {model_set.version} were trained on features of mode {trained_on!r}, the "
                f"table has {mode!r}; compute the features again or train on these"
            )
