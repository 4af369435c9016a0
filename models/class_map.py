"""Classes of a catalogue -> labels of the taxonomy: the files of ``conf/labels``."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from models.taxonomy import Taxonomy
from models.toml_tables import check_keys, parse_toml, suggestion
from udfs.errors import ContractError

# Steps in which SCoPe's classifiers state how sure they are.
PROBABILITIES = (0.0, 0.25, 0.5, 0.75, 1.0)
PRESENT = "present"


@dataclass(frozen=True)
class ClassMap:
    """What a catalogue says of a star of a given class.

    Attributes
    ----------
    origin
        Whom to quote.
    classes
        Class -> label -> probability. Ancestors are filled in later.
    decides
        Labels of which the catalogue also says no: a star has 0 for those that its class does
        not imply. None: all the labels that occur among its own rows.
    unknown
        Class -> labels that are left open for this class although the catalogue decides them.
    no_labels
        For tables of label lists: what an empty list says.
    """

    origin: str
    classes: dict[str, dict[str, float]]
    decides: tuple[str, ...] | None
    unknown: dict[str, tuple[str, ...]] = field(default_factory=dict)
    no_labels: dict[str, float] = field(default_factory=dict)

    def of_lists(self, lists: Iterable[str], taxonomy: Taxonomy, *, where: str) -> "ClassMap":
        """The map for a table of label lists, in which each list (joined by commas) is a class.

        Raises
        ------
        ContractError
            For a label that is not in the taxonomy; ``where`` names the table.
        """
        classes = {}
        for joined in lists:
            names = [name for name in joined.split(",") if name]
            taxonomy.check(names, where=where)
            classes[joined] = dict.fromkeys(names, 1.0) or dict(self.no_labels)
        decides = self.decides
        if decides is None:
            present = {name for labels in classes.values() for name in labels}
            present.update(*(taxonomy.ancestors(name) for name in present))
            decides = tuple(name for name in taxonomy.names if name in present)
        return ClassMap(self.origin, classes, decides)

    def of_class(self, name: str, taxonomy: Taxonomy) -> dict[str, float]:
        """Label -> probability for a star of that class, with the explicit zeros."""
        given = self.classes[name]
        return with_zeros(
            given, self.decides or (), taxonomy=taxonomy, unknown=self.unknown.get(name, ())
        )


def with_zeros(
    given: dict[str, float],
    decides: Iterable[str],
    *,
    taxonomy: Taxonomy,
    unknown: Collection[str] = (),
) -> dict[str, float]:
    """The given labels, and 0 for those decided that neither they nor their ancestors imply."""
    implied = set(given).union(*(taxonomy.ancestors(name) for name in given))
    zeros = {name: 0.0 for name in decides if name not in implied and name not in unknown}
    return {**given, **zeros}


def read_class_map(path: Path, taxonomy: Taxonomy) -> ClassMap:
    """The class map of a TOML file; see ``parse_class_map``."""
    if not path.exists():
        names = sorted(p.stem for p in path.parent.glob("*.toml"))
        raise ContractError(
            f"there is no class map {path}{suggestion(path.stem, names) if names else ''}"
        )
    return parse_class_map(path.read_text(encoding="utf-8"), taxonomy, source=path.name)


def parse_class_map(text: str, taxonomy: Taxonomy, *, source: str) -> ClassMap:
    """The class map of a TOML text.

    Raises
    ------
    ContractError
        For an unknown key, a label that is not in the taxonomy, a probability that is not one
        of SCoPe's five, or an unknown class under ``[unknown]``.
    """
    data = parse_toml(text, source=source)
    check_keys(
        data,
        required=("origin", "decides"),
        optional=("classes", "unknown", "no_labels"),
        where=source,
    )
    classes, unknown = data.get("classes", {}), data.get("unknown", {})
    no_labels = data.get("no_labels", {})
    for name, labels in [*classes.items(), ("no_labels", no_labels)]:
        where = f"{source} [classes] {name}"
        taxonomy.check(labels, where=where)
        for label, probability in labels.items():
            if probability not in PROBABILITIES:
                raise ContractError(
                    f"{where}: probability of {label} is {probability}, expected one of "
                    f"{', '.join(f'{p:g}' for p in PROBABILITIES)}"
                )
    for name, open_labels in unknown.items():
        if name not in classes:
            raise ContractError(f"{source} [unknown]: no class {name!r}{suggestion(name, classes)}")
        taxonomy.check(open_labels, where=f"{source} [unknown] {name}")
    decides = _decides(data["decides"], taxonomy, source=source)
    return ClassMap(
        data["origin"],
        {name: {k: float(p) for k, p in labels.items()} for name, labels in classes.items()},
        decides,
        {name: tuple(labels) for name, labels in unknown.items()},
        {label: float(p) for label, p in no_labels.items()},
    )


def _decides(value: object, taxonomy: Taxonomy, *, source: str) -> tuple[str, ...] | None:
    if value == PRESENT:
        return None
    if not isinstance(value, list):
        raise ContractError(
            f"{source}: decides is {value!r}, expected a list of labels or {PRESENT!r}"
        )
    taxonomy.check(value, where=f"{source} decides")
    return tuple(value)
