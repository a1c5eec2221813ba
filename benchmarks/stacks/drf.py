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

from benchmarks.data import MAX_LIMIT, books, publishers, some_rows
from benchmarks.models import Author, Book, Chapter, Entry, Invoice, Product, Publisher, Row, Tag


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


class EntrySerializer(serializers.ModelSerializer):
    class Meta:
        model = Entry
        fields = "__all__"


class InvoiceSerializer(serializers.ModelSerializer):
    class Meta:
        model = Invoice
        fields = ["id", "number", "total", "paid", "due"]


class AuthorSerializer(serializers.ModelSerializer):
    class Meta:
        model = Author
        fields = ["id", "name", "email"]


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


class ChapterSerializer(serializers.ModelSerializer):
    class Meta:
        model = Chapter
        fields = ["id", "title"]


class BookWithChaptersSerializer(serializers.ModelSerializer):
    chapters = ChapterSerializer(many=True)

    class Meta:
        model = Book
        fields = ["id", "title", "chapters"]


class AuthorWithBooksSerializer(serializers.ModelSerializer):
    books = BookWithChaptersSerializer(many=True)

    class Meta:
        model = Author
        fields = ["id", "name", "books"]


class PublisherSerializer(serializers.ModelSerializer):
    authors = AuthorWithBooksSerializer(many=True)

    class Meta:
        model = Publisher
        fields = ["id", "name", "authors"]


class BulkSerializer(serializers.ListSerializer):
    def create(self, validated_data: Any) -> Any:
        return Product.objects.bulk_create(Product(**data) for data in validated_data)


class ProductSerializer(serializers.ModelSerializer):
    class Meta:
        model = Product
        fields = "__all__"
        list_serializer_class = BulkSerializer


class Pages(LimitOffsetPagination):
    default_limit = max_limit = MAX_LIMIT

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"items": data, "count": self.count})


@api_view(["GET"])
def hello(request: Request) -> Response:
    return Response({"message": "hello"})


@api_view(["POST"])
def echo(request: Request) -> Response:
    serializer = ItemSerializer(data=request.data)
    serializer.is_valid(raise_exception=True)
    return Response(serializer.data)


@api_view(["GET"])
def one(request: Request, row_id: int) -> Response:
    return Response(EntrySerializer(get_object_or_404(Entry, id=row_id)).data)


@api_view(["GET"])
def invoices(request: Request, tenant: int) -> Response:
    return Response(InvoiceSerializer(Invoice.objects.filter(tenant=tenant), many=True).data)


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
def deep(request: Request) -> Response:
    return Response(PublisherSerializer(publishers(), many=True).data)


@api_view(["GET"])
def page(request: Request) -> Response:
    pages = Pages()
    rows = pages.paginate_queryset(Row.objects.all(), request)
    return pages.get_paginated_response(RowSerializer(rows, many=True).data)


@api_view(["POST"])
def create(request: Request) -> Response:
    serializer = ProductSerializer(data=request.data)
    serializer.is_valid(raise_exception=True)
    serializer.save()
    return Response(serializer.data, status=201)


@api_view(["POST"])
def bulk_create(request: Request) -> Response:
    serializer = ProductSerializer(data=request.data, many=True)
    serializer.is_valid(raise_exception=True)
    serializer.save()
    return Response(serializer.data, status=201)


@api_view(["GET"])
def stream(request: Request) -> Response:
    return Response(EntrySerializer(Entry.objects.all(), many=True).data)


def nothing(request: HttpRequest, **arguments: Any) -> HttpResponse:
    return HttpResponse(status=404)


urlpatterns = [
    path("hello", hello),
    path("echo", echo),
    path("rows/<int:row_id>", one),
    path("tenants/<int:tenant>/invoices", invoices),
    path("flat", flat),
    path("instances", instances),
    path("nested", nested),
    path("deep", deep),
    path("page", page),
    path("stream", stream),
    path("products", create),
    path("products/bulk", bulk_create),
    path("async/hello", nothing),
    path("async/rows/<int:row_id>", nothing),
    path("async/flat", nothing),
    path("async/nested", nothing),
]
