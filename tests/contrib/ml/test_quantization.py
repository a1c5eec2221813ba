"""int8 versions: smaller files that are registered if their answers agree, and not otherwise."""

import io
from typing import Annotated, Any

import pytest
from django.core.management import CommandError, call_command
from ninja import Schema

from django_matt.contrib.ml.files import open_onnx
from django_matt.contrib.ml.fleets import serving
from django_matt.contrib.ml.models import Model
from django_matt.contrib.ml.served import Served
from django_matt.contrib.ml.services import register
from django_matt.contrib.ml.tensors import Shape

from .onnx_files import write_linear
from .shelf.served import Linear

pytest.importorskip("onnxruntime")
np = pytest.importorskip("numpy")
pytestmark = pytest.mark.django_db
WIDTH = 512


class Wide(Served):
    name = "wide"

    class Input(Schema):
        features: Annotated[list[float], Shape(WIDTH)]

    class Output(Schema):
        score: float

    def load(self, device: str) -> None:
        self.session = open_onnx(self.file, device)

    def warm(self) -> list[Any]:
        return [self.Input(features=[(n + k) % 7 for n in range(WIDTH)]) for k in range(5)]

    def predict(self, items: list[Any]) -> list[Any]:
        x = np.array([item.features for item in items], np.float32)
        [scores] = self.session.run(None, {"x": x})
        return [self.Output(score=score) for score in scores[:, 0].tolist()]


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("matt_ml", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def wide(tmp_path: Any) -> Any:
    weights = [((n * 37) % 101) / 50 for n in range(WIDTH)]
    register("wide", "1", write_linear(tmp_path / "wide.onnx", weights), stage="live")
    with serving(Wide, registry=True):
        yield


def test_a_version_in_int8_is_compared_measured_and_registered(wide: Any):
    pytest.importorskip("onnx")
    said = run("quantize", "wide", "1", "1-int8", "--tolerance", "0.02")
    assert "answers: 5 of 5 agree" in said
    assert "items/s in batches of 32" in said
    row = Model.objects.get(version="1-int8")
    assert row.stage == "retired"
    # Four times smaller weights, and a few nodes more.
    assert "size: 2,1" in said
    assert run(
        "check", "wide", "--model-version", "1-int8", "--against", "1", "--tolerance", "0.02"
    )


def test_answers_that_differ_are_not_registered(wide: Any):
    pytest.importorskip("onnx")
    with pytest.raises(CommandError, match=r"\d+% agree, and 100% must: nothing is registered"):
        run("quantize", "wide", "1", "1-int8", "--tolerance", "1e-9")
    assert not Model.objects.filter(version="1-int8").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("wide", "7", "8"), "wide:7 is not a registered ONNX file"),
        (("wide", "1", "1"), "wide:1 is registered already"),
        (("nothing", "1", "2"), "No served.py has a model 'nothing'"),
        (("wide", "1", "2", "--agreement", "0"), "above 0"),
        (("wide", "1", "2", "--agreement", "1.5"), "1 at most"),
    ],
)
def test_what_cannot_be_quantized_is_said(wide: Any, arguments: Any, said: str):
    with pytest.raises(CommandError, match=said):
        run("quantize", *arguments)


def test_a_file_of_another_format_is_refused(weights: Any):
    register("linear", "1", weights(1, 1, 1))
    with serving(Linear), pytest.raises(CommandError, match="not a registered ONNX file"):
        run("quantize", "linear", "1", "2")
