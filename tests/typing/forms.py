"""A form gives an instance of its own schema."""

from typing import assert_type

from django.http import HttpRequest
from pydantic import BaseModel

from django_matt.forms import FieldDescription, FormDescription, describe
from django_matt.forms.html import FormField, SchemaForm


class OrderIn(BaseModel):
    name: str


def order(request: HttpRequest) -> OrderIn:
    form = SchemaForm(OrderIn, request.POST, request.FILES)
    assert_type(form, SchemaForm[OrderIn])
    assert_type(form["name"], FormField)
    assert_type(form.clean(), OrderIn)
    return form.clean()


assert_type(describe(OrderIn), FormDescription)
assert_type(describe(OrderIn).field("name"), FieldDescription)
