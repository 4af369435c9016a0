"""Pictures of the stream: rates, latency, lag and stages over time; alerts by night."""

from collections.abc import Mapping
from functools import partial

import matplotlib.dates as mdates
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from jobs.reports.stream_data import Batches, FloatArray
from jobs.reports.svg import ACCENT, BANDS, MUTED, OTHER_BANDS, WARM, Picture, dots, draw

LATENCY_BAR_S = 10.0
_SIZE = (9.4, 2.7)
_COLOURS = (ACCENT, WARM, *OTHER_BANDS, BANDS["g"], BANDS["r"], BANDS["i"])
# The clocks of brokers tell milliseconds.
_SHORTEST_S = 1e-3
# A line across a longer pause would show what nobody measured.
_PAUSE_DAY = 15.0 / 1440


def rates_picture(batches: Batches) -> Picture:
    """Messages per second: into the topic, and out of the stream."""
    return draw(
        "rates",
        partial(_paint_rates, batches),
        size=_SIZE,
        alt="Input and processed rate over time; the facts above have the latest.",
        caption="Messages per second that came into the topic, and that the stream took in while a "
        "micro-batch ran. When the first stays above the second, the lag grows.",
    )


def latency_picture(batches: Batches) -> Picture:
    """Percentiles of the latency, with the bar of 10 s."""
    return draw(
        "latency",
        partial(_paint_latency, batches),
        size=_SIZE,
        alt="Latency percentiles over time on a logarithmic axis; the facts above have the latest.",
        caption="From a message's arrival at the broker to the commit of its alert: half, 95 and "
        f"99 of 100 alerts of each micro-batch took less. Dashed: the bar of {LATENCY_BAR_S:g} s. "
        "Old messages, read after a pause or a replay, show as high latencies.",
    )


def lag_picture(batches: Batches) -> Picture:
    """Messages that wait in the topic."""
    return draw(
        "lag",
        partial(_paint_lag, batches),
        size=_SIZE,
        alt="Messages waiting in the topic over time; the facts above have the latest.",
        caption="Messages in the topic that were not read yet at the end of each micro-batch. "
        "It comes back to 0 after a burst; a steady climb means that the stream is too slow.",
    )


def stages_picture(batches: Batches) -> Picture:
    """Duration of the micro-batches, stage on stage."""
    return draw(
        "stages",
        partial(_paint_stages, batches),
        size=_SIZE,
        alt=f"Duration of micro-batches by stage: {', '.join(batches.seconds)}.",
        caption="Seconds that each micro-batch spent in each stage, one on top of the other; one "
        "bar per micro-batch, oldest on the left, not to scale in time. Stamps, dead letters and "
        "publishing run side by side: a micro-batch takes less than the sum.",
    )


def nights_picture(nights: Mapping[int, int]) -> Picture:
    """Alerts of each night, by the time of their exposures."""
    return draw(
        "alerts-by-night",
        partial(_paint_nights, nights),
        size=_SIZE,
        alt=f"Alerts of {len(nights)} nights, {sum(nights.values()):,} in all.",
        caption="Rows of scored_alerts by night of the exposure (MJD), in order; nights without "
        "alerts are left out.",
    )


def published_picture(published: Mapping[str, Mapping[int, int]]) -> Picture:
    """Alerts sent by each filter, in all."""
    totals = {name: sum(counts.values()) for name, counts in published.items()}
    return draw(
        "sent",
        partial(_paint_published, totals),
        size=(9.4, 0.9 + 0.3 * len(totals)),
        alt="; ".join(f"{name}: {count:,} alerts" for name, count in totals.items()),
        caption="Alerts that each filter of conf/filters has sent to its topic.",
    )


def _paint_rates(batches: Batches, figure: Figure) -> None:
    axes = figure.subplots()
    for name, colour, words in (
        ("input_rate", WARM, "into the topic"),
        ("processed_rate", ACCENT, "processed"),
    ):
        _curve(axes, batches, batches.numbers[name], colour=colour, label=words)
    _finish(axes, batches, title="messages per second", ylabel="1/s")
    axes.set_ylim(bottom=0)


def _paint_latency(batches: Batches, figure: Figure) -> None:
    axes = figure.subplots()
    axes.set_yscale("log")
    for percent, colour in ((99, WARM), (95, OTHER_BANDS[1]), (50, ACCENT)):
        values = np.maximum(batches.numbers[f"latency_p{percent}_s"], _SHORTEST_S)
        _curve(axes, batches, values, colour=colour, label=f"{percent} %")
    axes.axhline(LATENCY_BAR_S, color=MUTED, lw=1.0, ls=(0, (4, 3)))
    for which in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
        which(lambda value, _: f"{value:g}" if f"{value:e}"[0] in "1235" else "")
    _finish(axes, batches, title="latency", ylabel="s")


def _paint_lag(batches: Batches, figure: Figure) -> None:
    axes = figure.subplots()
    _curve(axes, batches, batches.numbers["lag_offsets"], colour=ACCENT, label="")
    _finish(axes, batches, title="messages waiting", ylabel="messages")
    axes.set_ylim(0, max(axes.get_ylim()[1], 1))
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")


def _paint_stages(batches: Batches, figure: Figure) -> None:
    axes = figure.subplots()
    edges = np.arange(batches.committed.size + 1)
    base = np.zeros(batches.committed.size)
    for (stage, seconds), colour in zip(batches.seconds.items(), _cycled(), strict=False):
        axes.stairs(base + seconds, edges, baseline=base, fill=True, color=colour, label=stage)
        base = base + seconds
    axes.set(xlim=(0, edges[-1]), title="duration of micro-batches", ylabel="s")
    axes.set_xticks([])
    axes.set_ylim(bottom=0)
    if batches.seconds:
        axes.legend(ncols=len(batches.seconds), loc="lower right", bbox_to_anchor=(1.0, 1.0))


def _paint_nights(nights: Mapping[int, int], figure: Figure) -> None:
    axes = figure.subplots()
    names, counts = list(nights), list(nights.values())
    axes.bar(range(len(names)), counts, color=ACCENT, width=0.8)
    shown = np.unique(np.linspace(0, len(names) - 1, min(len(names), 12)).astype(int))
    axes.set_xticks(shown, [str(names[i]) for i in shown])
    axes.set(title="alerts by night", ylabel="alerts")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.grid(axis="x", visible=False)


def _paint_published(totals: Mapping[str, int], figure: Figure) -> None:
    axes = figure.subplots()
    rows = np.arange(len(totals))
    axes.barh(rows, list(totals.values()), color=ACCENT, height=0.6)
    for row, count in zip(rows, totals.values(), strict=True):
        axes.text(count, row, f" {count:,}", va="center", fontsize=8)
    axes.set_yticks(rows, list(totals))
    axes.set(title="published by filter", ylim=(len(totals) - 0.5, -0.5))
    axes.margins(x=0.12)
    axes.grid(axis="y", visible=False)


def _curve(axes: Axes, batches: Batches, values: FloatArray, *, colour: str, label: str) -> None:
    """Dots, and a line that stops where the stream paused."""
    time = _days(batches)
    pauses = np.flatnonzero(np.diff(time) > _PAUSE_DAY) + 1
    axes.plot(np.insert(time, pauses, np.nan), np.insert(values, pauses, np.nan),
              color=colour, lw=0.9, label=label)  # fmt: skip
    seen = np.isfinite(values)
    dots(axes, time[seen], values[seen], colour=colour)


def _finish(axes: Axes, batches: Batches, *, title: str, ylabel: str) -> None:
    time = _days(batches)
    margin = max(0.02 * float(time[-1] - time[0]), 1 / 1440)
    axes.set_xlim(time[0] - margin, time[-1] + margin)
    axes.set(title=title, ylabel=ylabel)
    locator = mdates.AutoDateLocator(maxticks=9)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    form = mdates.ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(form)
    axes.set_xlabel("UTC")
    if len(axes.lines) > 1:
        axes.legend(ncols=3, loc="lower right", bbox_to_anchor=(1.0, 1.0))


def _days(batches: Batches) -> FloatArray:
    """Days since 1970, as matplotlib counts."""
    return np.asarray(batches.committed.astype(np.int64) / 86_400_000)


def _cycled() -> list[str]:
    """Colours for more stages than there are."""
    return list(_COLOURS) * 4
