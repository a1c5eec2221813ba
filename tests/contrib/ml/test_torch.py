"""PyTorch: files that it writes and reads, datasets from querysets, and models that are trained and served."""

import importlib.util
import os
import pickle
import sys
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test.utils import CaptureQueriesContext
from ninja import Schema

from django_matt.contrib.ml.devices import choose_device, import_torch
from django_matt.contrib.ml.errors import FileRefused
from django_matt.contrib.ml.fleets import serving
from django_matt.contrib.ml.served import Served

_HAS_TORCH = importlib.util.find_spec("torch") is not None
# It names the environment that must have torch: the tests also run in one with another Python.
if not _HAS_TORCH and os.environ.get("MATT_REQUIRE_TORCH") == Path(sys.prefix).name:
    raise RuntimeError("MATT_REQUIRE_TORCH is set and torch is not installed: make .venv/.torch")
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not _HAS_TORCH, reason="torch is not installed: make .venv/.torch"),
]


def network() -> Any:
    torch = import_torch()

    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))


class Torch(Served):
    name = "torch"

    class Input(Schema):
        features: list[float]

    class Output(Schema):
        score: float

    def warm(self) -> list[Any]:
        return [self.Input(features=[n, n / 3, -n, 1]) for n in range(33)]

    def predict(self, items: list[Any]) -> list[Any]:
        torch = import_torch()

        x = torch.tensor([item.features for item in items], device=self.device)
        with torch.inference_mode():
            return [self.Output(score=score) for score in self.module(x)[:, 0].tolist()]


class Exported(Torch):
    def load(self, device: str) -> None:
        from django_matt.contrib.ml.files import open_exported

        self.device, self.module = device, open_exported(self.file, device)


class Weights(Torch):
    def load(self, device: str) -> None:
        from django_matt.contrib.ml.files import load_weights

        self.device, self.module = device, load_weights(network(), self.file, device)


@pytest.mark.parametrize("kind", [Exported, Weights])
def test_a_module_is_registered_and_answers_alike_alone_and_in_a_batch(kind: Any):
    torch = import_torch()

    from django_matt.contrib.ml.exports import register_module, register_weights

    module = network()
    if kind is Exported:
        register_module("torch", "2", module, torch.zeros(2, 4), stage="live")
    else:
        register_weights("torch", "2", module, stage="live")
    with serving(kind, registry=True) as fleet, torch.inference_mode():
        model = fleet.find("torch").choose_live().model
        items = model.warm()
        expected = module(torch.tensor([item.features for item in items]))[:, 0].tolist()
        together = [each.score for each in model.predict(items)]
        alone = [model.predict([item])[0].score for item in items]
        assert together == pytest.approx(expected, rel=1e-5)
        assert alone == pytest.approx(expected, rel=1e-5)


class _Trap:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_weights_that_would_run_code_are_refused(tmp_path: Path):
    torch = import_torch()

    from django_matt.contrib.ml.files import load_weights

    path = tmp_path / "weights.pt"
    for write in (
        lambda: torch.save({"0.weight": _Trap(tmp_path / "trapped")}, path),
        lambda: path.write_bytes(pickle.dumps(_Trap(tmp_path / "trapped"))),
        lambda: torch.save({"other": torch.zeros(1)}, path),
    ):
        write()
        with pytest.raises(FileRefused, match=r"cannot load the weights in .*weights\.pt"):
            load_weights(network(), path)
        assert not (tmp_path / "trapped").exists()


@pytest.mark.parametrize("part", ["sample inputs", "weights", "constants", "code", "no archive"])
def test_a_program_with_pickled_objects_is_refused(tmp_path: Path, part: str):
    import json

    torch = import_torch()

    from django_matt.contrib.ml.files import open_exported

    good, path = tmp_path / "good.pt2", tmp_path / "model.pt2"
    torch.export.save(torch.export.export(network().eval(), (torch.zeros(2, 4),)), good)
    trap = pickle.dumps(_Trap(tmp_path / "trapped"))
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if part == "sample inputs" and name.endswith(".pt"):
                data = trap
            if name.endswith(f"{part}_config.json"):
                pickled = {"path_name": f"{part[:-1]}_0", "is_param": False, "use_pickle": True}
                data = json.dumps({"config": {"x": pickled}}).encode()
            target.writestr(name, data)
        if part == "code":
            target.writestr("good/data/aotinductor/model/model.so", b"\x7fELF")
    if part == "no archive":
        path.write_bytes(trap)
    with pytest.raises(FileRefused, match=r"model\.pt2"):
        open_exported(path)
    assert not (tmp_path / "trapped").exists()
    assert open_exported(good) is not None


def test_the_device_is_one_that_torch_has():
    torch = import_torch()

    assert choose_device() == ("cuda" if torch.cuda.is_available() else "cpu")


# ---- datasets -------------------------------------------------------------------------------------------------------


@pytest.fixture
def rows() -> Any:
    ContentType.objects.all().delete()
    ContentType.objects.bulk_create(
        ContentType(app_label=str(n), model=str(n % 7)) for n in range(5_000)
    )
    return ContentType.objects.order_by("pk")


def test_rows_are_read_in_chunks_and_batched(rows: Any):
    from django_matt.contrib.ml.datasets import queryset_dataset

    dataset = queryset_dataset(rows, ["app_label", "model"], chunk_size=500)
    with CaptureQueriesContext(connection) as queries:
        found = [*import_torch().utils.data.DataLoader(dataset, batch_size=64)]
    assert len([each for each in queries if each["sql"].startswith("SELECT")]) <= 1
    assert [batch.shape[0] for batch in found] == [64] * 78 + [8]
    assert [int(row[0]) for batch in found for row in batch] == [*range(5_000)]


def test_each_epoch_has_every_row_in_another_order(rows: Any):
    from django_matt.contrib.ml.datasets import queryset_dataset

    dataset = queryset_dataset(rows, ["app_label"], lambda row: int(row[0]), shuffle=1_000, seed=3)
    first, second = [*dataset], [*dataset]
    assert sorted(first) == sorted(second) == [*range(5_000)]
    assert first != second
    again = queryset_dataset(rows, ["app_label"], lambda row: int(row[0]), shuffle=1_000, seed=3)
    assert [*again] == first


def test_the_memory_does_not_grow_with_the_rows(rows: Any):
    import tracemalloc

    from django_matt.contrib.ml.datasets import queryset_dataset

    def peak(count: int) -> int:
        dataset = queryset_dataset(
            rows[:count], ["app_label", "model"], lambda row: None, chunk_size=100
        )
        tracemalloc.start()
        assert sum(1 for _ in dataset) == count
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(500)
    assert peak(5_000) < 2 * peak(500)


def test_a_column_that_is_no_number_is_named(rows: Any):
    from django_matt.contrib.ml.datasets import queryset_dataset

    ContentType.objects.update(model="word")
    with pytest.raises(ValueError, match=r"Not a number: model='word'\. Use convert=\."):
        next(iter(queryset_dataset(rows, ["app_label", "model"])))


@pytest.mark.exhaustive
@pytest.mark.django_db(transaction=True)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_workers_share_the_rows(rows: Any):
    from django_matt.contrib.ml.datasets import queryset_dataset

    dataset = queryset_dataset(rows, ["app_label"])
    loader = import_torch().utils.data.DataLoader(
        dataset, batch_size=100, num_workers=2, multiprocessing_context="fork"
    )
    found = Counter(int(row[0]) for batch in loader for row in batch)
    assert found == Counter(range(5_000))
