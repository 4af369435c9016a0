"""Which features the classifiers read and how gaps in them are filled: ``conf/features.toml``."""

from dataclasses import dataclass
from pathlib import Path

from models.taxonomy import ONTOLOGICAL, PHENOMENOLOGICAL
from models.toml_tables import check_keys, parse_toml, suggestion
from udfs.errors import ContractError

ZERO = "zero"
MEDIAN = "median"
REGRESS = "regress"
REQUIRED = "required"

SCOPE, EXTENDED, BEST, SHAPE = "scope", "extended", "best", "shape"
# Each has the columns of the one before, and more.
CHOICES = (SCOPE, EXTENDED, BEST, SHAPE)


@dataclass(frozen=True)
class FeatureSets:
    """Names as in the features table, in the order of the input vector.

    Attributes
    ----------
    phenomenological
        What every label reads.
    ontological
        What ontological labels read: the phenomenological features first, then the others.
    filling
        Feature -> ``zero``, ``median``, ``regress`` or ``required`` (never filled).
    neighbours
        Number of neighbours of the regression.
    """

    phenomenological: tuple[str, ...]
    ontological: tuple[str, ...]
    filling: dict[str, str]
    neighbours: int

    def of_kind(self, kind: str) -> tuple[str, ...]:
        """The features that labels of a kind read."""
        return {PHENOMENOLOGICAL: self.phenomenological, ONTOLOGICAL: self.ontological}[kind]


def read_feature_sets(path: Path, *, choice: str = SCOPE) -> FeatureSets:
    """The feature sets of a TOML file; see ``parse_feature_sets``."""
    if not path.exists():
        raise ContractError(f"{path} does not exist; expected the table of features")
    return parse_feature_sets(path.read_text(encoding="utf-8"), source=path.name, choice=choice)


def parse_feature_sets(text: str, *, source: str, choice: str = SCOPE) -> FeatureSets:
    """The feature sets of a TOML text.

    Parameters
    ----------
    choice : {"scope", "extended", "best", "shape"}
        SCoPe's 35 and 61 features, or those and the columns listed under ``extended``, which then
        stand among the phenomenological ones, or also those under ``best``, or also those under
        ``shape``. The last two are filled by their median: a star without such a period is not
        left out.

    Raises
    ------
    ContractError
        For an unknown key, a feature named twice, or a filling for an unknown feature.
    """
    data = parse_toml(text, source=source)
    check_keys(
        data,
        required=("period_suffix", "suffixed", "sets", *CHOICES[1:], "imputation"),
        optional=(),
        where=source,
    )
    sets, filling = data["sets"], data["imputation"]
    kinds = (PHENOMENOLOGICAL, ONTOLOGICAL)
    check_keys(sets, required=kinds, optional=(), where=f"{source} [sets]")
    check_keys(
        filling,
        required=(ZERO, MEDIAN, REGRESS, "neighbours"),
        optional=(),
        where=f"{source} [imputation]",
    )
    suffixed = set(data["suffixed"])

    def column(name: str) -> str:
        return f"{name}_{data['period_suffix']}" if name in suffixed else name

    basic = [column(name) for name in sets[PHENOMENOLOGICAL]]
    others = [column(name) for name in sets[ONTOLOGICAL]]
    for name in basic + others:
        if (basic + others).count(name) > 1:
            raise ContractError(f"{source} [sets]: feature {name!r} is named twice")
    added = {name: data[name]["columns"] for name in CHOICES[1 : CHOICES.index(choice) + 1]}
    for names in added.values():
        basic += names
    every = basic + [name for name in others if name not in basic]
    how = dict.fromkeys(every, REQUIRED)
    for name in (BEST, SHAPE):
        how.update(dict.fromkeys(added.get(name, ()), MEDIAN))
    for kind in (ZERO, MEDIAN, REGRESS):
        for name in map(column, filling[kind]):
            if name not in how:
                raise ContractError(
                    f"{source} [imputation] {kind}: {name!r} is no feature{suggestion(name, every)}"
                )
            how[name] = kind
    return FeatureSets(tuple(basic), tuple(every), how, filling["neighbours"])
