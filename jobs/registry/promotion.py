"""Which candidates go into production: each is checked, then all that pass in one commit."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

import pandas as pd

from jobs.common.registry_table import change_stages
from jobs.common.tables import Warehouse
from jobs.registry.checks import Checks
from jobs.registry.comparison import compare
from models.judgement import Comparison, judge
from models.registry import (
    PRODUCTION,
    Key,
    Model,
    in_production,
    next_change,
    promoted,
    rolled_back,
    to_promote,
    to_roll_back,
)
from udfs.errors import ContractError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Promotion:
    """One change of stages, decided on the registry as it was read.

    Attributes
    ----------
    models
        All rows of the registry.
    chosen
        Those of the algorithms in question.
    """

    warehouse: Warehouse
    models: Sequence[Model]
    chosen: Sequence[Model]

    @cached_property
    def _checks(self) -> Checks:
        return Checks(self.warehouse)

    def promote(self, *, labels: Sequence[str], version: str | None, forced: str | None) -> None:
        """Promote what passes; one line per label.

        Parameters
        ----------
        labels : only these; none for all
        version : of this set; the newest candidates without it
        forced : reason to promote models that are worse than those in production, or cannot be
            compared with them

        Raises
        ------
        ContractError
            If a model cannot score (the others are promoted all the same), or another promotion
            came in between (nothing is promoted then).
        """
        # Stacks last: what they combine may be promoted with them.
        candidates = sorted(
            to_promote(self.chosen, labels=labels, version=version),
            key=lambda model: bool(model.combines),
        )
        if not candidates:
            log.info("no candidate is newer than the models in production")
            return
        current = in_production(self.models)
        broken = self._checks.broken(candidates)
        change, now, rows, lines = next_change(self.models), datetime.now(UTC), [], []
        for model in candidates:
            before = current.get(model.key)
            if why := broken.get((model.set_name, model.label)):
                lines.append((model, "refused", why))
                continue
            better, why = self._judge(model, before, current, forced)
            lines.append((model, "promoted" if better else "not promoted", why))
            if better:
                rows += promoted(model, before, change=change, now=now, reason=why)
                current[model.key] = model
        self._commit(rows, change, lines)
        if broken:
            raise ContractError(
                f"{len(broken)} of {len(candidates)} models were refused because they cannot "
                f"score, such as {next(iter(broken))[1]}: {next(iter(broken.values()))}"
            )

    def roll_back(self, *, labels: Sequence[str], reason: str | None) -> None:
        """Put back what was in production before; one line per label.

        Raises
        ------
        ContractError
            If there is nothing to roll back, a model cannot score any more, or another change of
            stages came in between. Nothing is changed then.
        """
        pairs, alone = to_roll_back(self.chosen, labels=labels)
        lines = [(model, "kept", "nothing was in production before it") for model in alone]
        broken = self._checks.broken([earlier for _, earlier in pairs])
        for (_, label), why in broken.items():
            raise ContractError(f"nothing was rolled back: the earlier model of {label}: {why}")
        change, now, rows = next_change(self.models), datetime.now(UTC), []
        for model, earlier in pairs:
            said = f": {reason}" if reason else ""
            rows += rolled_back(model, earlier, change=change, now=now, reason=said)
            lines.append((earlier, "in production again", f"in place of {model.version}"))
        self._commit(rows, change, lines)

    def _judge(
        self, model: Model, before: Model | None, current: Mapping[Key, Model], forced: str | None
    ) -> tuple[bool, str]:
        """Whether a model goes into production, and why.

        A stack must do at least as well as each of the models that it combines, and needs them in
        production.
        """
        if before is not None and before.version == model.version:
            return False, "it is in production already"
        scoring = {(other.set_name, other.label): other for other in current.values()}
        for combined in model.combines:
            if combined not in scoring:
                return False, f"it combines {combined[0]}, which is not in production"
        others = [scoring[combined] for combined in model.combines]
        better, why = True, "the first of its label"
        for other in [*others, *([before] if before else [])]:
            better, why = judge(model, other, self._compare(model, other), forced=forced)
            if not better:
                return False, f"{why} ({other.set_name})"
        return better, why

    def _compare(self, model: Model, other: Model) -> Comparison:
        return compare(
            model, other,
            predicted=self._checks.predictions(model), before=self._before(other),
        )  # fmt: skip

    def _before(self, model: Model) -> pd.DataFrame:
        """The test part of a model in production, as far as it is still to be read."""
        try:
            return self._checks.predictions(model)
        except ContractError as error:
            log.warning("comparing by the stored figures: %s", error)
            return pd.DataFrame(columns=["label"])

    def _commit(
        self, rows: Sequence[Model], change: int, lines: Sequence[tuple[Model, str, str]]
    ) -> None:
        """Write the rows, then say what became of each model."""
        if rows:
            change_stages(self.warehouse, rows, change=change)
        for model, what, why in lines:
            log.info("%s %s %s: %s, %s", model.algorithm, model.label, model.version, what, why)
        n = sum(row.stage == PRODUCTION for row in rows)
        log.info("%d of %d labels changed, in one commit", n, len(lines))
