"""Files of models: digests, formats, and what a start says about them."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pytest
from asgiref.sync import async_to_sync
from ninja import Schema

from django_matt.contrib.ml import services
from django_matt.contrib.ml.errors import FileRefused
from django_matt.contrib.ml.files import checked_file, digest_of, open_onnx
from django_matt.contrib.ml.fleets import serving
from django_matt.contrib.ml.models import Model
from django_matt.contrib.ml.served import Served
from django_matt.contrib.ml.tensors import Shape
from django_matt.lifespans import LifespanError, run_lifespans

from .onnx_files import write_linear

pytestmark = pytest.mark.django_db


class Regression(Served):
    """A model in a file of ONNX."""

    name = "regression"

    class Input(Schema):
        features: Annotated[list[float], Shape(3)]

    class Output(Schema):
        score: float

    def load(self, device: str) -> None:
        self.session = open_onnx(self.file, device)

    def warm(self) -> list[Any]:
        return [self.Input(features=[n, n / 3, -n]) for n in range(40)]

    def predict(self, items: list[Any]) -> list[Any]:
        import numpy as np

        [y] = self.session.run(None, {"x": np.array([i.features for i in items], np.float32)})
        return [self.Output(score=float(score)) for score in y[:, 0]]


def test_a_model_of_onnx_answers_alike_alone_and_in_a_batch(tmp_path: Path):
    services.register(
        "regression", "1", write_linear(tmp_path / "a.onnx", [1, 2, 3], 0.5), stage="live"
    )
    with serving(Regression, registry=True) as fleet:
        model = fleet.find("regression").choose_live().model
        items = model.warm()
        together = [each.score for each in model.predict(items)]
        alone = [model.predict([each])[0].score for each in items]
        assert together == pytest.approx(alone, rel=1e-5)
        assert Regression.infer(Regression.Input(features=[1, 1, 1])).score == pytest.approx(6.5)


@pytest.mark.parametrize("name", ["model.pkl", "model.joblib", "model", "model.pickle", "model.py"])
def test_files_that_may_run_code_are_refused(tmp_path: Path, name: str):
    path = tmp_path / name
    path.write_bytes(pickle.dumps({}))
    with pytest.raises(FileRefused, match="pickles run code"):
        services.register("regression", "1", path)
    assert not Model.objects.exists()


def test_a_pickle_with_another_suffix_is_not_read(tmp_path: Path):
    path = tmp_path / "model.onnx"
    path.write_bytes(pickle.dumps(_Trap(tmp_path / "trapped")))
    with pytest.raises(FileRefused, match=r"cannot open .*model\.onnx"):
        open_onnx(path)
    assert not (tmp_path / "trapped").exists()


class _Trap:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_a_file_that_has_changed_is_not_loaded(tmp_path: Path, folder: Path):
    row = services.register(
        "regression", "1", write_linear(tmp_path / "a.onnx", [1, 2, 3]), stage="live"
    )
    path = folder / row.path
    assert checked_file(row.path, row.digest) == path
    write_linear(path, [9, 9, 9])
    with pytest.raises(FileRefused) as refused, serving(Regression, registry=True):
        pass
    assert str(path) in str(refused.value)


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_bytes(b"")])
@pytest.mark.django_db(transaction=True)
def test_the_server_does_not_start_with_a_wrong_file(
    folder: Path, weights: Callable[..., Path], spoil: Any
):
    row = services.register("linear", "2", weights(1, 1, 1), stage="live")
    path = folder / row.path
    spoil(path)

    async def start() -> None:
        async with run_lifespans():
            pass

    with pytest.raises(LifespanError, match="matt_ml") as error:
        async_to_sync(start)()
    assert str(path) in str(error.value)


def test_a_file_with_a_wrong_format_names_its_path(tmp_path: Path):
    path = tmp_path / "empty.onnx"
    path.write_bytes(b"")
    services.register("regression", "1", path, stage="live")
    with (
        pytest.raises(FileRefused, match=r"models/regression/1-\w+\.onnx"),
        serving(Regression, registry=True),
    ):
        pass


def test_without_a_file_the_error_shows_the_command():
    with pytest.raises(FileRefused, match="matt_ml load"), serving(Regression, registry=True):
        pass


def test_a_registered_file_is_a_copy_under_its_digest(weights: Callable[..., Path], folder: Path):
    source = weights(1, 2, 3)
    row = services.register("linear", "2", source)
    digest = digest_of(source)
    source.unlink()
    assert (row.digest, row.stage) == (digest, "retired")
    assert (folder / row.path).name == f"2-{digest[:16]}.json"
    assert checked_file(row.path, row.digest).read_text() == "[1, 2, 3]"
