"""The figures as SVG plots that read on light and dark pages."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Chart", "draw"]

# One picture serves both pages: this grey keeps about 4:1 on white and on the documentation's dark page alike.
_TEXT = "#767b85"
_OURS = "#0f8a6d"
_PEERS = "#8a7fb5"
_COLUMNS = 3


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One small chart of bars."""

    title: str
    values: dict[str, float]
    longest: float
    """What does not fit is cut here."""
    form: str = "{:.2f}"
    dashed: float | None = None
    """Where a line stands that the bars are compared with."""


def draw(charts: list[Chart], path: Path) -> None:
    """Write the charts side by side, the same lines in each."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "django-matt",
            "font.family": "sans-serif",
            "font.size": 9,
            "text.color": _TEXT,
            "axes.labelcolor": _TEXT,
            "axes.edgecolor": _TEXT,
            "xtick.color": _TEXT,
            "ytick.color": _TEXT,
        }
    )
    from matplotlib import pyplot as plt

    columns = min(_COLUMNS, len(charts))
    grid = [charts[at : at + columns] for at in range(0, len(charts), columns)]
    # A row of charts is as high as the one with the most lines.
    heights = [max(len(chart.values) for chart in row) + 3 for row in grid]
    figure, axes = plt.subplots(
        len(grid),
        columns,
        figsize=(3.4 * columns, 0.26 * sum(heights)),
        squeeze=False,
        height_ratios=heights,
    )
    for row, across in zip(grid, axes, strict=True):
        for one in across[len(row) :]:
            one.set_axis_off()
        for chart, one in zip(row, across, strict=False):
            _draw_chart(chart, one)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, transparent=True, metadata={"Date": None})
    plt.close(figure)


def _draw_chart(chart: Chart, axes: Any) -> None:
    end = min(chart.longest, max([*chart.values.values(), chart.dashed or 0]) * 1.05)
    for place, (name, value) in enumerate(chart.values.items()):
        width = min(value, end)
        axes.barh(place, width, color=_OURS if name.startswith("matt") else _PEERS, height=0.68)
        cut = " »" if value > width else ""
        beside = width
        # A label does not stand on the line, but beyond it.
        if chart.dashed is not None and width <= chart.dashed < width + end * 0.25:
            beside = chart.dashed
        axes.text(beside + end * 0.03, place, f"{chart.form.format(value)}{cut}", va="center")
    if chart.dashed is not None:
        axes.axvline(chart.dashed, color=_TEXT, linestyle="--", linewidth=1)
    axes.set_xlim(0, end * 1.3)
    axes.set_title(chart.title, loc="left", fontweight="bold")
    axes.set_yticks(range(len(chart.values)), list(chart.values))
    axes.invert_yaxis()
    axes.tick_params(length=0)
    axes.set_xticks([])
    for side in ("top", "right", "bottom"):
        axes.spines[side].set_visible(False)
