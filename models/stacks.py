"""Stacks in a model set: which scores they combine, and what becomes of them."""

from collections.abc import MutableMapping, Sequence

import numpy as np
from numpy.typing import NDArray

from models.evaluation.stacking import Stack
from models.store import STACK, ModelSet, split_name

Scores = MutableMapping[str, NDArray[np.float32]]


class Stacks:
    """All stacks of some sets, ready to score.

    A stack reads scores, not features: the features of its label in the manifest are the names of
    the sets whose scores of that label it combines, such as ``dnn-1a2b3c4d5e6f``.
    """

    def __init__(self, sets: Sequence[ModelSet]) -> None:
        self._stacks = {
            f"{label}_{STACK}": (
                tuple(f"{label}_{split_name(name)[0]}" for name in each.features_of(label)),
                Stack.from_bytes(each.model_of(label)),
            )
            for each in sets
            if each.algorithm == STACK
            for label in each.labels
        }

    @property
    def outputs(self) -> tuple[str, ...]:
        """The columns that they add: ``{label}_stack``."""
        return tuple(self._stacks)

    def add_to(self, scores: Scores) -> None:
        """Add the stacks' scores to those of the models: name of the column -> (n,) float32."""
        for name, (columns, stack) in self._stacks.items():
            scores[name] = stack.apply(np.column_stack([scores[c] for c in columns]))


def without_orphans(sets: Sequence[ModelSet]) -> tuple[list[ModelSet], list[str]]:
    """The sets without the stacks whose models are not among them, and a line for each of those.

    A stack was fitted to the scores of certain models; those of others would mislead it.
    """
    there = {(each.name, label) for each in sets for label in each.labels}
    kept, lines = [], []
    for each in sets:
        missing = {
            label: [name for name in each.features_of(label) if (name, label) not in there]
            for label in each.labels
            if each.algorithm == STACK
        }
        lines += [
            f"{label} of {each.name} does not score: it combines {names[0]}, which is not among "
            "the models; run train_stack and promote_models for those that are"
            for label, names in missing.items()
            if names
        ]
        labels = [label for label in each.labels if not missing.get(label)]
        if labels:
            kept.append(each.only(labels))
    return kept, lines
