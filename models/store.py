"""A set of trained models as files: written whole, found by name, checked when read.

Layout, under ``<root>/<algorithm>/<version>/``::

    manifest.json     what the set is: labels, features, origin, checksums; written last
    <name>.ubj|.npz|.json   a model; the labels of a multi-task network share one
    imputer.npz       how gaps are filled, where the models read features that can be missing
    scaler.npz        how features are scaled, for networks
    metrics.json, predictions.parquet   the test part
    validation.parquet                  scores of the validation part

Which of them score is not said here but in the registry.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from models.imputation import Imputer
from models.scaling import Scaler
from models.toml_tables import suggestion
from udfs.errors import ContractError

XGB, DNN, STACK, ACAI, BRAAI = "xgb", "dnn", "stack", "acai", "braai"
ALGORITHMS = (XGB, DNN, STACK, ACAI, BRAAI)
# What scores light curves, and not alerts.
OF_LIGHT_CURVES = (XGB, DNN, STACK)
MANIFEST = "manifest.json"
IMPUTER = "imputer.npz"
SCALER = "scaler.npz"
METRICS = "metrics.json"
IMPORTANCES = "importances.json"
PREDICTIONS = "predictions.parquet"
VALIDATION = "validation.parquet"


class Files(Protocol):
    """Where bytes are kept; paths are relative to the root of all models."""

    def read(self, path: str) -> bytes:
        """Content of a file; ContractError if there is none."""

    def write(self, path: str, content: bytes) -> None:
        """Create or replace a file."""

    def names(self, folder: str) -> list[str]:
        """Names in a folder, sorted; empty if there is no such folder."""


@dataclass(frozen=True)
class LocalFiles:
    """Files under a folder of this machine."""

    root: Path

    def read(self, path: str) -> bytes:
        """Content of a file; ContractError if there is none."""
        if not (self.root / path).exists():
            raise ContractError(f"{self.root / path} does not exist")
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
    algorithm, version
        The version is a hash of the models and their results on the test part.
    manifest
        As stored, with the labels that were asked for. ``labels`` has one entry per label: its
        ``kind`` of features, the ``file`` of its model and the ``output`` of that model which is
        the label's; ``features`` the ordered names per kind.
    files
        File name -> content of the models.
    imputer, scaler
        Shared by all labels; None where the models take the features as they are.
    """

    algorithm: str
    version: str
    manifest: dict[str, Any]
    files: dict[str, bytes]
    imputer: Imputer | None
    scaler: Scaler | None

    @property
    def name(self) -> str:
        """``xgb-1a2b3c4d5e6f``."""
        return set_name(self.algorithm, self.version)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels with a model, in the order of the taxonomy."""
        return tuple(self.manifest["labels"])

    def features_of(self, label: str) -> tuple[str, ...]:
        """The features that the model of a label reads, in order."""
        return tuple(self.manifest["features"][self.manifest["labels"][label]["kind"]])

    def model_of(self, label: str) -> bytes:
        """The content of a label's model."""
        return self.files[self.manifest["labels"][label]["file"]]

    def only(self, labels: Sequence[str]) -> "ModelSet":
        """The same set with these labels of it alone."""
        told = {name: each for name, each in self.manifest["labels"].items() if name in labels}
        needed = {each["file"] for each in told.values()}
        return replace(
            self,
            manifest={**self.manifest, "labels": told},
            files={name: content for name, content in self.files.items() if name in needed},
        )


def set_name(algorithm: str, version: str) -> str:
    """The one name of a model set, as in the column ``model_version`` and after ``--models``."""
    return f"{algorithm}-{version}"


def split_name(name: str) -> tuple[str, str]:
    """Algorithm and version of ``xgb-1a2b3c4d5e6f``; ContractError for anything else."""
    algorithm, _, version = name.partition("-")
    if algorithm not in ALGORITHMS or not version:
        raise ContractError(
            f"{name!r} names no models; expected ALGORITHM-VERSION such as xgb-1a2b3c4d5e6f, with "
            f"one of {', '.join(ALGORITHMS)}; promote_models --list shows them"
        )
    return algorithm, version


def folder_of(algorithm: str, version: str) -> str:
    """Folder of a set, relative to the root of all models."""
    return f"{algorithm}/{version}"


def save(
    files: Files,
    contents: Mapping[str, bytes],
    *,
    algorithm: str,
    described: Mapping[str, Any],
    informative: Mapping[str, Any],
) -> str:
    """Write a model set; returns its version. It scores nothing before it is registered.

    The version is a hash of what the set is, without clock or code: the same training data and
    settings give the same version, and writing it again changes nothing. The manifest is
    written when everything else is there: a folder without one is what a kill has left.

    Parameters
    ----------
    contents : file name -> bytes
    algorithm : {"xgb", "dnn", "stack", "acai", "braai"}
    described : what goes into the manifest and into the version; ``labels`` names for each label
        its ``kind``, ``file`` and ``output``
    informative : what goes into the manifest only, such as the version of the code

    Raises
    ------
    ContractError
        If the model of a label is not among the contents.
    """
    for label, told in described["labels"].items():
        if told["file"] not in contents:
            raise ContractError(f"label {label}: its model {told['file']} is not among the files")
    checksums = {name: _sha256(data) for name, data in contents.items()}
    core = {"algorithm": algorithm, **described, "files": dict(sorted(checksums.items()))}
    version = _version_of(core)
    manifest = {"version": version, **core, **informative, "informative": sorted(informative)}
    folder = folder_of(algorithm, version)
    for name, data in contents.items():
        files.write(f"{folder}/{name}", data)
    files.write(f"{folder}/{MANIFEST}", json.dumps(manifest, indent=1).encode())
    return version


def read_manifest(files: Files, algorithm: str, version: str) -> dict[str, Any]:
    """What a set is.

    Raises
    ------
    ContractError
        If there is no such set, or its manifest is damaged.
    """
    if MANIFEST not in files.names(folder_of(algorithm, version)):
        known = [set_name(algorithm, name) for name in files.names(algorithm)]
        wanted = set_name(algorithm, version)
        raise ContractError(f"there are no models {wanted!r}{suggestion(wanted, known)}")
    path = f"{folder_of(algorithm, version)}/{MANIFEST}"
    try:
        manifest: dict[str, Any] = json.loads(files.read(path))
        apart = {"version", "informative", *manifest["informative"]}
        found = _version_of({k: value for k, value in manifest.items() if k not in apart})
    except (ValueError, KeyError, TypeError) as error:
        raise ContractError(f"models/{path} is damaged: restore it or train again") from error
    if found != version:
        raise ContractError(
            f"models/{path} is damaged: its checksum is {found}, expected {version}: restore it or "
            "train again"
        )
    return manifest


def read_checked(
    files: Files, algorithm: str, version: str, *, checksums: Mapping[str, str], name: str
) -> bytes:
    """A file of a set, if it is there and has the checksum that was noted.

    Raises
    ------
    ContractError
        Naming the file, both checksums and what to do.
    """
    folder = folder_of(algorithm, version)
    expected = checksums[name]
    if name not in files.names(folder):
        raise ContractError(
            f"models/{folder}/{name} is missing (SHA-256 {expected[:12]}...): restore it or train "
            "again"
        )
    content = files.read(f"{folder}/{name}")
    found = _sha256(content)
    if found != expected:
        raise ContractError(
            f"models/{folder}/{name} is damaged: its SHA-256 is {found[:12]}..., expected "
            f"{expected[:12]}...: restore it or train again"
        )
    return content


def load(
    files: Files,
    algorithm: str,
    version: str,
    *,
    labels: Sequence[str] | None = None,
    checksums: Mapping[str, str] | None = None,
) -> ModelSet:
    """The models of a set.

    Parameters
    ----------
    labels : only these and their files; all without it
    checksums : file name -> SHA-256 that the registry has noted; those of the manifest without it

    Raises
    ------
    ContractError
        If there is no such set, or a file is missing or is not what was written.
    """
    manifest = read_manifest(files, algorithm, version)
    told = {
        name: each for name, each in manifest["labels"].items() if labels is None or name in labels
    }
    absent = sorted(set(labels or ()) - set(told))
    if absent:
        raise ContractError(f"models {set_name(algorithm, version)} have no label {absent[0]!r}")
    noted = {**manifest["files"], **(checksums or {})}

    def checked(name: str) -> bytes:
        return read_checked(files, algorithm, version, checksums=noted, name=name)

    return ModelSet(
        algorithm=algorithm,
        version=version,
        manifest={**manifest, "labels": told},
        files={name: checked(name) for name in sorted({each["file"] for each in told.values()})},
        imputer=Imputer.from_bytes(checked(IMPUTER)) if IMPUTER in noted else None,
        scaler=Scaler.from_bytes(checked(SCALER)) if SCALER in noted else None,
    )


def _version_of(core: Mapping[str, Any]) -> str:
    return _sha256(json.dumps(core, sort_keys=True).encode())[:12]


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
