"""Survey configurations: one TOML file in conf/survey describes a survey, none of it is code."""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from udfs.errors import ContractError
from udfs.light_curve_features import FeatureSettings
from udfs.periodograms.grid import PeriodSearchSettings
from udfs.periods.trees import read_ranking_model
from udfs.stars import BlockSettings

CONF = Path(__file__).resolve().parents[2] / "conf"
LAYOUTS = ("light_curves", "epochs")
T = TypeVar("T")


@dataclass(frozen=True)
class Form:
    """One form in which a survey hands out light curves."""

    layout: str
    """``light_curves``: a row per light curve, with arrays; ``epochs``: a row per epoch."""
    columns: Mapping[str, str]
    """Our column names -> the input's."""
    time_offset_day: float = 0.0
    """Added to the input's times to give ``hmjd``."""


@dataclass(frozen=True)
class Fields:
    """Where the field of a light curve comes from."""

    source: str
    """``input``: its columns field, rcid or ccd, quad; ``healpix``: the pixel of the position."""
    healpix_order: int = 1


@dataclass(frozen=True)
class Ingest:
    """Bounds of what can be a measurement; epochs outside go to quarantine."""

    min_hmjd: float
    max_hmjd: float
    min_mag: float = -5.0
    max_mag: float = 35.0


@dataclass(frozen=True)
class Cleaning:
    """The cuts before features are computed."""

    min_epochs: int
    min_gap_minutes: float
    max_hmjd: float | None = None


@dataclass(frozen=True)
class Survey:
    """One survey: filters, forms of input, fields, cuts and period grid."""

    name: str
    title: str
    filters: Mapping[str, int]
    """Name of a filter in the input -> our number."""
    bands: Mapping[str, str]
    """Our number (as text) -> the name to show."""
    forms: Mapping[str, Form]
    fields: Fields
    ingest: Ingest
    cleaning: Cleaning
    period_search: PeriodSearchSettings = field(default_factory=PeriodSearchSettings)
    blocks: BlockSettings = field(default_factory=BlockSettings)
    fourier_epoch_day: float = 0.0
    """Added to ``hmjd`` before the phases of the Fourier series are formed."""

    def feature_settings(
        self, mode: str, backend: str, *, times: str | None = None
    ) -> FeatureSettings:
        """What the feature code needs to know of the survey; ``times`` overrules its own."""
        return FeatureSettings(
            mode=mode,
            backend=backend,
            min_epochs=self.cleaning.min_epochs,
            min_gap_minutes=self.cleaning.min_gap_minutes,
            max_hmjd=self.cleaning.max_hmjd,
            fourier_epoch_offset_day=self.fourier_epoch_day,
            period_search=replace(self.period_search, times=times or self.period_search.times),
            blocks=self.blocks,
            ranking=read_ranking_model(CONF / "period_choice.json"),
        )


def read_survey(name: str) -> Survey:
    """The survey of ``conf/survey/NAME.toml``, or of the TOML file at a path.

    Raises
    ------
    ContractError
        If there is no such file, it is not TOML, or a key is unknown, missing or of a wrong type.
    """
    path = Path(name) if name.endswith(".toml") else CONF / "survey" / f"{name}.toml"
    if not path.exists():
        known = ", ".join(sorted(p.stem for p in (CONF / "survey").glob("*.toml")))
        raise ContractError(f"no survey {name!r}: {path} does not exist; there are: {known}")
    try:
        table = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise ContractError(f"{path}: not valid TOML: {error}") from error
    survey = _build(Survey, table, where=str(path))
    for form_name, form in survey.forms.items():
        if form.layout not in LAYOUTS:
            raise ContractError(
                f"{path} [forms.{form_name}]: layout={form.layout!r}, expected one of {LAYOUTS}"
            )
    return survey


def _build(cls: type[T], table: Any, *, where: str) -> T:
    """A dataclass from a TOML table; a typo must not pass."""
    if not isinstance(table, Mapping):
        raise ContractError(f"{where}: {table!r} is not a table")
    hints = get_type_hints(cls)
    known = {f.name: f for f in fields(cls)}  # type: ignore[arg-type]
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
            raise ContractError(f"{where}: unknown key {key!r}; {hint}")
    values = {}
    for name, spec in known.items():
        if name in table:
            values[name] = _value(hints[name], table[name], where=f"{where} [{name}]")
        elif spec.default is MISSING and spec.default_factory is MISSING:
            raise ContractError(f"{where}: key {name!r} is missing")
    return cls(**values)


def _value(hint: Any, value: Any, *, where: str) -> Any:
    if hasattr(hint, "__dataclass_fields__"):
        return _build(hint, value, where=where)
    origin = get_origin(hint)
    if origin is UnionType:
        return _value(get_args(hint)[0], value, where=where)
    if origin is tuple:
        return tuple(tuple(v) if isinstance(v, list) else v for v in value)
    if origin is not None:
        item = get_args(hint)[1]
        if not isinstance(value, Mapping):
            raise ContractError(f"{where}: {value!r} is not a table")
        return {k: _value(item, v, where=f"{where} {k}") for k, v in value.items()}
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or isinstance(value, bool):
        raise ContractError(f"{where}: {value!r} is not {hint.__name__}")
    return value
