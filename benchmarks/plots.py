"""The figures as SVG plots that read on light and dark pages."""

from pathlib import Path

from benchmarks.results import Results
from benchmarks.stacks import STACKS

__all__ = ["draw"]

# One picture serves both pages: this grey keeps about 4:1 on white and on the documentation's dark page alike.
_TEXT = "#767b85"
_OURS = "#0f8a6d"
_PEERS = "#8a7fb5"
_LONGEST = 8.0


def draw(results: Results, path: Path) -> None:
    """Write one small chart a case: shorter is faster, the dashed line is hand-written Django."""
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

    cases = list(results.best)
    names = [
        name
        for name in STACKS
        if name != "bare" and any(name in best for best in results.best.values())
    ]
    columns = min(3, len(cases))
    lines = -(-len(cases) // columns)
    figure, grid = plt.subplots(
        lines,
        columns,
        figsize=(3.4 * columns, 0.26 * len(names) * lines + 0.75 * lines),
        squeeze=False,
        sharey=True,
    )
    for axes in grid.flat[len(cases) :]:
        axes.set_axis_off()
    for case, axes in zip(cases, grid.flat, strict=False):
        ratios = results.ratios(case)
        longest = min(_LONGEST, max(2.0, max(ratios.values()) * 1.3))
        for place, name in enumerate(names):
            if name not in ratios:
                axes.text(0.03 * longest, place, "no async views", va="center", style="italic")
                continue
            ratio = ratios[name]
            width = min(ratio, longest * 0.8)
            axes.barh(place, width, color=_OURS if name.startswith("matt") else _PEERS, height=0.68)
            cut = " »" if ratio > width else ""
            axes.text(width + longest * 0.02, place, f"{ratio:.2f}{cut}", va="center")
        axes.axvline(1, color=_TEXT, linestyle="--", linewidth=1)
        axes.set_xlim(0, longest)
        axes.set_title(case, loc="left", fontweight="bold")
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis() if not axes.yaxis_inverted() else None
        axes.tick_params(length=0)
        axes.set_xticks([])
        for side in ("top", "right", "bottom"):
            axes.spines[side].set_visible(False)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, transparent=True, metadata={"Date": None})
    plt.close(figure)
