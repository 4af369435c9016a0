"""Which models score: the rules of the registry, on rows already read.

A model is one label of one model set. It is registered as a candidate, promoted to production when
nothing speaks against it, and retired when another takes its place; retired models stay and can
come back. Per algorithm and label one model at most is in production.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from models.store import IMPUTER, SCALER, STACK, folder_of, set_name
from models.toml_tables import suggestion
from udfs.errors import ContractError

CANDIDATE, PRODUCTION, RETIRED = "candidate", "production", "retired"
# Figures of metrics.json that have a column of their own, or are no numbers.
_APART = ("label", "threshold", "average_precision")

Key = tuple[str, str]


@dataclass(frozen=True)
class Model:
    """One row of the registry: see ``udfs.schemas.MODELS``."""

    algorithm: str
    label: str
    version: str
    stage: str
    folder: str
    file: str
    output: int
    files: tuple[tuple[str, str, int], ...]
    features: tuple[str, ...]
    threshold: float
    average_precision: float | None
    metrics: Mapping[str, float]
    data_versions: Mapping[str, int]
    code_version: str
    created: datetime
    changed: datetime
    reason: str
    promoted: int | None = None
    change: int = 0

    @property
    def key(self) -> Key:
        """What one model at most is in production for."""
        return self.algorithm, self.label

    @property
    def set_name(self) -> str:
        """The model set that it belongs to."""
        return set_name(self.algorithm, self.version)

    @property
    def imported(self) -> bool:
        """Whether it came as files from elsewhere: no table of this warehouse taught it."""
        return not self.data_versions

    @property
    def combines(self) -> tuple[tuple[str, str], ...]:
        """Set and label of the models whose scores a stack combines; none for other models."""
        if self.algorithm != STACK:
            return ()
        return tuple((name, self.label) for name in self.features)

    @property
    def checksums(self) -> dict[str, str]:
        """File name -> SHA-256."""
        return {name: sha256 for name, sha256, _ in self.files}


def candidates_of(
    manifest: Mapping[str, Any],
    sizes: Mapping[str, int],
    *,
    metrics: Mapping[str, Mapping[str, Any]],
    data_versions: Mapping[str, int],
    now: datetime,
) -> list[Model]:
    """One candidate per label of a model set.

    Parameters
    ----------
    manifest : as stored
    sizes : file name -> bytes
    metrics : label -> its entry in metrics.json; labels without one have no figures
    data_versions : table -> Delta version that the training read
    now : moment of the registration
    """
    algorithm, version = manifest["algorithm"], manifest["version"]
    shared = {IMPUTER, SCALER} & set(manifest["files"])
    found = []
    for label, told in manifest["labels"].items():
        of_label = metrics.get(label, {})
        needed = sorted({told["file"], *shared})
        found.append(
            Model(
                algorithm=algorithm,
                label=label,
                version=version,
                stage=CANDIDATE,
                folder=f"models/{folder_of(algorithm, version)}",
                file=told["file"],
                output=int(told["output"]),
                files=tuple((name, manifest["files"][name], sizes[name]) for name in needed),
                features=tuple(manifest["features"][told["kind"]]),
                threshold=float(told.get("threshold", manifest.get("threshold", 0.5))),
                average_precision=_number(of_label.get("average_precision")),
                metrics={
                    name: number
                    for name, value in of_label.items()
                    if name not in _APART and (number := _number(value)) is not None
                },
                data_versions=dict(data_versions),
                code_version=str(manifest.get("code_version", "")),
                created=now,
                changed=now,
                reason="trained",
            )
        )
    return found


def in_production(models: Iterable[Model]) -> dict[Key, Model]:
    """Algorithm and label -> the model that scores.

    Raises
    ------
    ContractError
        If two models of a label are in production, which no job of ours writes.
    """
    found: dict[Key, Model] = {}
    for model in models:
        if model.stage != PRODUCTION:
            continue
        if model.key in found:
            raise ContractError(
                f"{model.algorithm} {model.label}: both {found[model.key].version} and "
                f"{model.version} are in production; promote one of them with --version"
            )
        found[model.key] = model
    return found


def to_promote(
    models: Sequence[Model], *, labels: Sequence[str] = (), version: str | None = None
) -> list[Model]:
    """The models that are asked for: by label, and by set or else the newest.

    Without ``version`` that is the newest candidate of a label, unless the model in production
    is newer still. With it, retired models can come back, and candidates older than others.

    Parameters
    ----------
    models : of the algorithms in question
    labels : none for all
    version : name of a model set, such as ``xgb-1a2b3c4d5e6f``

    Raises
    ------
    ContractError
        If there is no such set, or it has no model for one of the labels.
    """
    current = in_production(models)
    found: dict[Key, Model] = {}
    for model in sorted(models, key=lambda m: (m.created, m.version)):
        if version is not None:
            wanted = model.set_name == version
        else:
            newer = model.key not in current or model.created > current[model.key].created
            wanted = model.stage == CANDIDATE and newer
        if wanted and (not labels or model.label in labels):
            found[model.key] = model
    if version is not None and version not in (known := {m.set_name for m in models}):
        raise ContractError(
            f"the registry has no models {version!r}{suggestion(version, sorted(known))}"
        )
    _check_labels(labels, models, found=found.values() if version is not None else models)
    return sorted(found.values(), key=lambda m: m.key)


def to_roll_back(
    models: Sequence[Model], *, labels: Sequence[str] = ()
) -> tuple[list[tuple[Model, Model]], list[Model]]:
    """Pairs of a model in production and the one before it, and models without one before.

    With labels, those; without, the ones that came with the last promotion. The one before is the
    retired model of the label that was promoted last, but before the model in production.

    Raises
    ------
    ContractError
        If a label is unknown, or nothing is in production.
    """
    _check_labels(labels, models, found=models)
    current = in_production(models).values()
    last = max((m.promoted or 0 for m in current), default=0)
    concerned = [m for m in current if (m.label in labels if labels else m.promoted == last)]
    if not concerned:
        raise ContractError("nothing to roll back: none of these labels has a production model")
    pairs, alone = [], []
    for model in sorted(concerned, key=lambda m: m.key):
        earlier = [
            m
            for m in models
            if m.key == model.key and m.stage == RETIRED
            if m.promoted is not None and m.promoted < (model.promoted or 0)
        ]
        if earlier:
            pairs.append((model, max(earlier, key=lambda m: m.promoted or 0)))
        else:
            alone.append(model)
    return pairs, alone


def next_change(models: Iterable[Model]) -> int:
    """Number of the next change of stages: one above the last."""
    return max((m.change for m in models), default=0) + 1


def promoted(model: Model, current: Model | None, *, change: int, now: datetime,
             reason: str) -> list[Model]:  # fmt: skip
    """The rows that differ once ``model`` is in production in place of ``current``."""
    up = replace(
        model, stage=PRODUCTION, promoted=change, change=change, changed=now, reason=reason
    )
    if current is None or current.version == model.version:
        return [up]
    down = f"replaced by {model.version}"
    return [up, replace(current, stage=RETIRED, change=change, changed=now, reason=down)]


def rolled_back(model: Model, earlier: Model, *, change: int, now: datetime,
                reason: str) -> list[Model]:  # fmt: skip
    """The rows that differ once ``earlier`` is in production again.

    It keeps the number of its own promotion, so that another step back goes to the one before it.
    """
    back = f"rolled back from {model.version}{reason}"
    return [
        replace(earlier, stage=PRODUCTION, change=change, changed=now, reason=back),
        replace(
            model, stage=RETIRED, change=change, changed=now,
            reason=f"rolled back to {earlier.version}{reason}",
        ),
    ]  # fmt: skip


def _check_labels(
    labels: Sequence[str], models: Iterable[Model], *, found: Iterable[Model]
) -> None:
    known = sorted({m.label for m in models})
    present = {m.label for m in found}
    for label in labels:
        if label not in present:
            raise ContractError(
                f"--labels: the registry has no such model of {label!r}{suggestion(label, known)}"
            )


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None
