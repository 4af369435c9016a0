"""The networks in a Python worker of Spark, loaded once and kept between tasks."""

from collections.abc import Callable
from functools import partial
from typing import Any

from models.acai.scorer import AlertScorer

ScorerSource = Callable[[], AlertScorer]
_LOADED: dict[str, AlertScorer] = {}


def scorer_source(sent: Any, key: str) -> ScorerSource:
    """What an executor calls to score.

    Parameters
    ----------
    sent : Broadcast of model sets
    key : names these sets; a worker loads them again only when it changes
    """
    # A function of a module travels as its name; a nested one would take a copy of _LOADED along.
    return partial(_loaded, sent, key)


def _loaded(sent: Any, key: str) -> AlertScorer:
    if key not in _LOADED:
        _LOADED.clear()
        _LOADED[key] = AlertScorer(sent.value)
    return _LOADED[key]
