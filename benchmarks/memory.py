"""Resident memory of a process, read from Linux; elsewhere there is no figure."""

from pathlib import Path

__all__ = ["peak", "reset_peak"]


def reset_peak(process: int | str = "self") -> int | None:
    """Make the peak of a process what it holds now, and return that in bytes; ``None`` where this is not Linux."""
    try:
        Path(f"/proc/{process}/clear_refs").write_text("5")
    except OSError:
        return None
    return peak(process)


def peak(process: int | str = "self") -> int | None:
    """Return the most that a process has held, in bytes; ``None`` where this is not Linux."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return None
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
