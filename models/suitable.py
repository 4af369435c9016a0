"""Whether a table of features suits a set of models."""

from collections.abc import Sequence

from models.store import STACK, ModelSet
from udfs.errors import ContractError


def check_columns(model_set: ModelSet, columns: Sequence[str], *, modes: Sequence[str]) -> None:
    """Raise ContractError unless a features table suits the models.

    The order of the columns is of no importance: they are taken by name. Stacks read none.

    Parameters
    ----------
    columns : names of the table's columns
    modes : the feature modes found among its rows
    """
    present = set(columns)
    for label in model_set.labels if model_set.algorithm != STACK else ():
        expected = model_set.features_of(label)
        missing = [name for name in expected if name not in present]
        if missing:
            raise ContractError(
                f"model {label} of {model_set.name} expects {len(expected)} features, table has "
                f"{len(expected) - len(missing)}: missing {', '.join(map(repr, missing[:5]))}; "
                "rebuild the table or use other models"
            )
    trained_on = model_set.manifest["mode"]
    for mode in modes:
        if mode != trained_on:
            raise ContractError(
                f"models {model_set.name} were trained on features of mode {trained_on!r}, the "
                f"table has {mode!r}; compute the features again or train on these"
            )
