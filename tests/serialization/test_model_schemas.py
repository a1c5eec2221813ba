"""Schemas of models with generic relations."""

import pytest
from ninja import ModelSchema, Schema
from ninja.errors import ConfigError

from django_matt import MattAPI
from tests.project.models import Author, Photo, Remark


class Titled(Schema):
    title: str


class RemarkOut(ModelSchema):
    class Meta:
        model = Remark
        fields = "__all__"


class WithTarget(ModelSchema):
    target: Titled | None

    class Meta:
        model = Remark
        fields = "__all__"


class PhotoOut(ModelSchema):
    class Meta:
        model = Photo
        fields = "__all__"


COLUMNS = {"id", "text", "author", "content_type", "object_id"}


def test_all_fields_leave_a_generic_foreign_key_out():
    assert set(RemarkOut.model_fields) == COLUMNS


def test_one_that_is_declared_is_kept():
    assert set(WithTarget.model_fields) == {*COLUMNS, "target"}


@pytest.mark.parametrize("excluded", [["target"], ["text"], ["text", "target"]])
def test_excluded_fields_may_name_it_or_not(excluded):
    class Out(ModelSchema):
        class Meta:
            model = Remark
            exclude = excluded

    assert set(Out.model_fields) == COLUMNS - set(excluded)


def test_fields_that_name_it_are_refused_in_words():
    with pytest.raises(ConfigError, match="target of Remark is a generic foreign key"):

        class Out(ModelSchema):
            class Meta:
                model = Remark
                fields = ["target"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("schema", "model"), [(RemarkOut, Remark), (WithTarget, Remark), (PhotoOut, Photo)]
)
def test_a_list_of_them_is_answered(serve, schema, model):
    author = Author.objects.create(name="a")
    photo = Photo.objects.create(title="p", author=author)
    remark = Remark.objects.create(text="r", author=author, target=photo)
    columns = {
        "id": remark.pk,
        "text": "r",
        "author": author.pk,
        "content_type": remark.content_type_id,
        "object_id": photo.pk,
    }
    expected = {
        RemarkOut: columns,
        WithTarget: {**columns, "target": {"title": "p"}},
        PhotoOut: {
            "id": photo.pk,
            "title": "p",
            "author": author.pk,
            "tags": [],
            "remarks": [remark.pk],
        },
    }
    api = MattAPI(urls_namespace=f"generic{schema.__name__}")
    api.get("/it", response=list[schema])(lambda request: model.objects.all())  # type: ignore[valid-type]
    assert serve(api).get("/api/it").json() == [expected[schema]]
