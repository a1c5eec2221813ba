"""Trained modules of PyTorch, exported into the registry."""

from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django_matt.contrib.ml.devices import import_torch
from django_matt.contrib.ml.models import Model, Stage
from django_matt.contrib.ml.services import register

__all__ = ["register_module", "register_weights"]


def register_module(
    name: str, version: str, module: Any, example: Any, *, stage: str = Stage.RETIRED
) -> Model:
    """Export a module with ``torch.export`` as a ``.pt2`` file, and register it as a version.

    ``example`` is a tensor of a batch of two or more items; the size of axis 0 is free in the file, the others are fixed. Load the file
    with ``files.open_exported``. Raises ``MissingExtra`` without torch, and what ``services.register`` raises.
    """
    torch = import_torch()
    import_module("torch.export")
    module = module.eval()
    axes = ({0: torch.export.Dim("items", min=1)},)
    program = torch.export.export(module, (example,), dynamic_shapes=axes)
    with TemporaryDirectory() as folder:
        path = Path(folder, "model.pt2")
        torch.export.save(program, path)
        return register(name, version, path, stage=stage)


def register_weights(name: str, version: str, module: Any, *, stage: str = Stage.RETIRED) -> Model:
    """Save the ``state_dict`` of a module, and register it as a version. Load it with ``files.load_weights``."""
    torch = import_torch()
    with TemporaryDirectory() as folder:
        path = Path(folder, "weights.pt")
        torch.save(module.state_dict(), path)
        return register(name, version, path, stage=stage)
