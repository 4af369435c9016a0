"""What Databricks gives a notebook besides Spark: ``dbutils.widgets`` and ``display``."""

import io
from collections.abc import Mapping, Sequence

from IPython.display import Image
from IPython.display import display as show
from matplotlib.figure import Figure
from pyspark.sql import DataFrame

# As many rows as Databricks shows.
SHOWN_ROWS = 1000


class Widgets:
    """Parameters of a notebook: a widget has the value that was set for it, or its default."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._set = dict(values)
        self._values: dict[str, str] = {}

    def text(self, name: str, default: str, label: str | None = None) -> None:
        """Declare a free text."""
        self._values[name] = self._set.get(name, default)

    def dropdown(
        self, name: str, default: str, choices: Sequence[str], label: str | None = None
    ) -> None:
        """Declare a choice; ValueError for a value that is none of the choices."""
        value = self._set.get(name, default)
        if value not in choices:
            raise ValueError(f"--set {name}={value}: expected one of {', '.join(choices)}")
        self._values[name] = value

    def get(self, name: str) -> str:
        """The value of a declared widget."""
        return self._values[name]


class Dbutils:
    """The part of ``dbutils`` that notebooks here use."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.widgets = Widgets(values)


def display(what: object) -> None:
    """Show a Spark or pandas data frame as a table, a matplotlib figure as a picture."""
    if isinstance(what, DataFrame):
        show(what.limit(SHOWN_ROWS).toPandas())
    elif isinstance(what, Figure):
        picture = io.BytesIO()
        what.savefig(picture, format="png", dpi=110, bbox_inches="tight")
        show(Image(picture.getvalue()))
    else:
        show(what)
