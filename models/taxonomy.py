"""The labels of ``conf/labels.toml`` and the two trees that they form."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.toml_tables import check_keys, parse_toml, suggestion
from udfs.errors import ContractError

PHENOMENOLOGICAL = "phenomenological"
ONTOLOGICAL = "ontological"


@dataclass(frozen=True)
class Label:
    """One label: what it is called, which features it reads, where it stands in its tree."""

    abbreviation: str
    name: str
    column: str
    kind: str
    trained: bool
    parent: str | None = None
    negatives: str | None = None
    complement_of: str | None = None


@dataclass(frozen=True)
class Taxonomy:
    """All labels, in the order of the file."""

    labels: tuple[Label, ...]
    source: str

    @cached_property
    def by_name(self) -> dict[str, Label]:
        """Abbreviation -> label."""
        return {label.abbreviation: label for label in self.labels}

    @property
    def names(self) -> tuple[str, ...]:
        """Every abbreviation."""
        return tuple(label.abbreviation for label in self.labels)

    @property
    def scored(self) -> tuple[str, ...]:
        """The abbreviations that models can score: all but the derived ones."""
        return tuple(label.abbreviation for label in self.labels if label.complement_of is None)

    def label(self, name: str) -> Label:
        """The label of that abbreviation; ContractError with a suggestion if there is none."""
        if name not in self.by_name:
            raise ContractError(
                f"label {name!r} is not in {self.source}{suggestion(name, self.names)}"
            )
        return self.by_name[name]

    def check(self, names: Iterable[str], *, where: str) -> None:
        """Raise ContractError for the first name that is no label; ``where`` says who named it."""
        for name in names:
            if name not in self.by_name:
                raise ContractError(
                    f"{where}: label {name!r} is not in {self.source}{suggestion(name, self.names)}"
                )

    def ancestors(self, name: str) -> tuple[str, ...]:
        """The labels above ``name``, nearest first."""
        above = []
        parent = self.label(name).parent
        while parent is not None:
            above.append(parent)
            parent = self.by_name[parent].parent
        return tuple(above)

    def fill_upstream(self, probabilities: Mapping[str, float]) -> dict[str, float]:
        """The same labels, and every ancestor with at least the probability of its descendants.

        An ancestor that was not given stays out while all its descendants are 0: that a star is
        no RRab says nothing on whether it is a pulsator.

        References
        ----------
        Healy et al. (2024), ApJS 272, 14.
        """
        filled = dict(probabilities)
        for name, probability in probabilities.items():
            if probability <= 0:
                continue
            for ancestor in self.ancestors(name):
                filled[ancestor] = max(filled.get(ancestor, 0.0), probability)
        return filled

    def fill_upstream_columns(self, probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """``fill_upstream`` for many stars at once.

        Parameters
        ----------
        probabilities : (n, n_labels) float32
            Columns in the order of ``names``; NaN where nothing is known.

        Returns
        -------
        (n, n_labels) float32, a copy.
        """
        filled = probabilities.copy()
        column = {name: i for i, name in enumerate(self.names)}
        # Deepest labels first, so that a value climbs all the way in one pass.
        for name in sorted(self.names, key=lambda n: -len(self.ancestors(n))):
            parent = self.by_name[name].parent
            if parent is not None:
                child = filled[:, column[name]]
                known = np.where(child > 0, child, np.float32(np.nan))
                filled[:, column[parent]] = np.fmax(filled[:, column[parent]], known)
        return filled


def read_taxonomy(path: Path) -> Taxonomy:
    """The taxonomy of a TOML file; see ``parse_taxonomy``."""
    if not path.exists():
        raise ContractError(f"{path} does not exist; expected the table of labels")
    return parse_taxonomy(path.read_text(encoding="utf-8"), source=path.name)


def parse_taxonomy(text: str, *, source: str) -> Taxonomy:
    """The taxonomy of a TOML text: one table per label.

    Raises
    ------
    ContractError
        For an unknown key, kind or parent, a parent in the other tree, or a cycle.
    """
    labels = tuple(
        _parse_label(name, table, where=f"{source} [{name}]")
        for name, table in parse_toml(text, source=source).items()
    )
    taxonomy = Taxonomy(labels, source)
    for label in labels:
        where = f"{source} [{label.abbreviation}]"
        for role in ("parent", "negatives", "complement_of"):
            other = getattr(label, role)
            if other is not None and other not in taxonomy.by_name:
                raise ContractError(
                    f"{where}: {role} {other!r} is not a label{suggestion(other, taxonomy.names)}"
                )
        if label.parent and taxonomy.by_name[label.parent].kind != label.kind:
            raise ContractError(f"{where}: parent {label.parent!r} is not {label.kind}")
        _refuse_cycle(taxonomy, label, where=where)
    return taxonomy


def _parse_label(name: str, table: object, *, where: str) -> Label:
    if not isinstance(table, dict):
        raise ContractError(f"{where}: expected a table, found {table!r}")
    check_keys(
        table,
        required=("name", "column", "kind", "trained"),
        optional=("parent", "negatives", "derived"),
        where=where,
    )
    if table["kind"] not in (PHENOMENOLOGICAL, ONTOLOGICAL):
        raise ContractError(
            f"{where}: kind is {table['kind']!r}, expected {PHENOMENOLOGICAL!r} or {ONTOLOGICAL!r}"
        )
    derived = table.get("derived")
    if derived is not None and not derived.startswith("1 - "):
        raise ContractError(f"{where}: derived is {derived!r}, expected '1 - ' and a label")
    return Label(
        abbreviation=name,
        name=table["name"],
        column=table["column"],
        kind=table["kind"],
        trained=table["trained"],
        parent=table.get("parent"),
        negatives=table.get("negatives"),
        complement_of=derived.removeprefix("1 - ").strip() if derived else None,
    )


def _refuse_cycle(taxonomy: Taxonomy, label: Label, *, where: str) -> None:
    path = [label.abbreviation]
    parent = label.parent
    while parent is not None:
        path.append(parent)
        if parent == label.abbreviation:
            raise ContractError(f"{where}: the parents form a circle: {' -> '.join(path)}")
        # A circle further up is reported at one of its own members.
        if path.count(parent) > 1:
            return
        parent = taxonomy.by_name[parent].parent
