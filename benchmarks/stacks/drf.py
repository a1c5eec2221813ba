"""Django REST framework; it has no async views of its own."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request
from rest_framework.response import Response

from benchmarks.data import MAX_LIMIT, books, some_rows
from benchmarks.models import Author, Book, Row, Tag


class ItemSerializer(serializers.Serializer):
    name = serializers.CharField()
    email = serializers.CharField()
    stock = serializers.IntegerField()
    score = serializers.FloatField()
    active = serializers.BooleanField()
    tags = serializers.ListField(child=serializers.CharField())


class RowSerializer(serializers.ModelSerializer):
    class Meta:
        model = Row
        fields = "__all__"


class AuthorSerializer(serializers.ModelSerializer):
    class Meta:
        model = Author
        fields = "__all__"


class TagSerializer(serializers.ModelSerializer):
    class Meta:
        model = Tag
        fields = "__all__"


class BookSerializer(serializers.ModelSerializer):
    author = AuthorSerializer()
    tags = TagSerializer(many=True)

    class Meta:
        model = Book
        fields = "__all__"


class Pages(LimitOffsetPagination):
    default_limit = max_limit = MAX_LIMIT

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"items": data, "count": self.count})


@api_view(["GET"])
def hello(request: Request) -> Response:
    return Response({"message": "hello"})


def nothing(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=404)


@api_view(["POST"])
def echo(request: Request) -> Response:
    serializer = ItemSerializer(data=request.data)
    serializer.is_valid(raise_exception=True)
    return Response(serializer.data)


@api_view(["GET"])
def one(request: Request, row_id: int) -> Response:
    return Response(RowSerializer(get_object_or_404(Row, id=row_id)).data)


@api_view(["GET"])
def flat(request: Request) -> Response:
    return Response(RowSerializer(Row.objects.all(), many=True).data)


@api_view(["GET"])
def instances(request: Request) -> Response:
    return Response(RowSerializer(list(some_rows()), many=True).data)


@api_view(["GET"])
def nested(request: Request) -> Response:
    return Response(BookSerializer(books(), many=True).data)


@api_view(["GET"])
def page(request: Request) -> Response:
    pages = Pages()
    rows = pages.paginate_queryset(Row.objects.all(), request)
    return pages.get_paginated_response(RowSerializer(rows, many=True).data)


urlpatterns = [
    path("hello", hello),
    path("hello-async", nothing),
    path("echo", echo),
    path("rows/<int:row_id>", one),
    path("flat", flat),
    path("instances", instances),
    path("nested", nested),
    path("page", page),
]
