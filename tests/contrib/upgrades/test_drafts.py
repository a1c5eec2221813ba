"""``matt adopt`` of REST framework: the drafts answer as the views that they were drafted from."""

import re
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import clear_url_caches

from .projects import Project

pytestmark = pytest.mark.django_db

FILES = {
    "library/__init__.py": "",
    "library/settings.py": """\
REST_FRAMEWORK = {
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_THROTTLE_RATES": {"user": "5/m"},
}
""",
    "library/permissions.py": """\
from rest_framework import permissions


class IsNotFrozen(permissions.BasePermission):
    message = "It is frozen."

    def has_object_permission(self, request, view, group):
        if request.method in permissions.SAFE_METHODS:
            return True
        return group.name != "frozen"
""",
    "library/serializers.py": """\
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from rest_framework import serializers


class KindSerializer(serializers.ModelSerializer):
    class Meta:
        model = ContentType
        exclude = ["id"]


class PermissionSerializer(serializers.ModelSerializer):
    content_type = KindSerializer(read_only=True)
    label = serializers.SerializerMethodField()
    app = serializers.CharField(source="content_type.app_label", read_only=True)

    class Meta:
        model = Permission
        fields = ["id", "codename", "content_type", "label", "app"]

    def get_label(self, obj):
        # For people.
        return f"{obj.name} ({obj.codename})"


class GroupSerializer(serializers.ModelSerializer):
    class Meta:
        model = Group
        fields = ["id", "name"]

    def validate_name(self, value):
        return value


class SearchSerializer(serializers.Serializer):
    q = serializers.CharField(max_length=5)
    since = serializers.DateField(required=False)
    limit = serializers.IntegerField(min_value=1, default=10)
    tags = serializers.ListField(child=serializers.CharField(), write_only=True)
    place = serializers.ModelField(model_field=None, read_only=True)
    note = serializers.CharField(allow_null=True, trim_whitespace=False)
""",
    "library/views.py": """\
from django.contrib.auth.models import Group, Permission
from rest_framework import generics, status, viewsets
from rest_framework.decorators import action, api_view
from rest_framework.permissions import AllowAny, DjangoModelPermissions
from rest_framework.response import Response
from rest_framework.views import APIView

from .permissions import IsNotFrozen
from .serializers import GroupSerializer, PermissionSerializer


class GroupViewSet(viewsets.ModelViewSet):
    queryset = Group.objects.order_by("id")
    serializer_class = GroupSerializer
    permission_classes = [IsNotFrozen]
    search_fields = ["name"]

    def get_queryset(self):
        return Group.objects.exclude(name=f"hidden-{self.request.user.username}").order_by("id")

    @action(detail=True, methods=["post"], url_path="shout")
    def shout_it(self, request, pk=None):
        group = self.get_object()
        group.name = group.name.upper()
        group.save()
        return Response({"name": group.name, "by": request.user.username}, status=status.HTTP_202_ACCEPTED)

    @action(detail=False)
    def count(self, request):
        return Response({"count": self.get_queryset().count()})


class PermissionList(generics.ListAPIView):
    permission_classes = (AllowAny,)
    queryset = Permission.objects.filter(codename="add_group")
    serializer_class = PermissionSerializer


class PermissionDetail(generics.RetrieveAPIView):
    permission_classes = (DjangoModelPermissions,)
    queryset = Permission.objects.all()
    serializer_class = PermissionSerializer


class Hello(APIView):
    permission_classes = []

    def get(self, request, name, format=None):
        if name == "nobody":
            return Response({"detail": "no request"}, status=404)
        return Response({"hello": name, "q": request.query_params.get("q"), "greeting": self.greet()})

    def post(self, request, name):
        return Response({"name": name, **request.data}, status=status.HTTP_201_CREATED)

    def _unused(self):
        return None

    def greet(self):
        return "hi"


class Mine(APIView):
    def get(self, request):
        return Response({"me": request.user.username})


@api_view(["GET"])
def plain(request):
    return Response({})
""",
    "library/urls.py": """\
from django.urls import include, path
from rest_framework.routers import DefaultRouter

from library import views
from library.views import PermissionDetail

router = DefaultRouter()
router.register(r"groups", views.GroupViewSet)
urlpatterns = [
    path("api/", include(router.urls)),
    path("api/permissions/", views.PermissionList.as_view()),
    path("api/permissions/<int:pk>/", PermissionDetail.as_view()),
    path("api/hello/<str:name>/", views.Hello.as_view()),
    path("api/me/", views.Mine.as_view()),
]
""",
}


@pytest.fixture
def library(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """The project, importable, with its drafts written."""
    project.write(FILES)
    project.run("adopt")
    monkeypatch.syspath_prepend(str(project.folder))
    yield project
    for name in [name for name in sys.modules if name.partition(".")[0] == "library"]:
        del sys.modules[name]
    clear_url_caches()


def ask(
    urls: str, settings: Any, method: str, path: str, data: Any = None, user: Any = None
) -> tuple[int, Any]:
    settings.ROOT_URLCONF = import_module(urls)
    clear_url_caches()
    client = Client(raise_request_exception=False)
    if user:
        client.force_login(user)
    response = client.generic(
        method, path, "" if data is None else __import__("json").dumps(data), "application/json"
    )
    return response.status_code, response.json() if response.content else None


def test_the_drafts_answer_as_the_views(library: Project, settings: Any):
    pytest.importorskip("rest_framework")
    ada = User.objects.create_user("ada", is_staff=True)
    Group.objects.bulk_create(
        [Group(id=1, name="makers"), Group(id=2, name="frozen"), Group(id=3, name="hidden-ada")]
    )
    key = Permission.objects.get(codename="add_group").pk
    requests: list[tuple[Any, ...]] = [
        ("GET", "/api/groups/", None, ada),
        ("GET", "/api/groups/count/", None, ada),
        ("GET", "/api/groups/1/", None, ada),
        ("GET", "/api/groups/3/", None, ada),
        ("PUT", "/api/groups/1/", {"name": "readers"}, ada),
        ("PATCH", "/api/groups/1/", {"name": "writers"}, ada),
        ("PATCH", "/api/groups/1/", {}, ada),
        ("POST", "/api/groups/1/shout/", None, ada),
        ("PATCH", "/api/groups/2/", {"name": "x"}, ada),
        ("DELETE", "/api/groups/2/", None, ada),
        ("GET", "/api/permissions/"),
        ("GET", f"/api/permissions/{key}/", None, ada),
        ("GET", "/api/hello/ada/?q=1"),
        ("GET", "/api/hello/nobody/"),
        ("POST", "/api/hello/ada/", {"a": 1}),
        ("GET", "/api/me/", None, ada),
        ("DELETE", "/api/groups/1/", None, ada),
    ]
    settings.REST_FRAMEWORK = {}
    for method, path, *more in requests:
        kept = list(Group.objects.order_by("id").values_list("id", "name"))
        wanted = ask("library.urls", settings, method, path, *more)
        Group.objects.all().delete()
        Group.objects.bulk_create(Group(id=number, name=name) for number, name in kept)
        found = ask("library.urls_draft", settings, method, path, *more)
        assert found[0] == wanted[0], (method, path, found, wanted)
        if wanted[0] < 300:
            assert found[1] == wanted[1], (method, path)


def test_what_needs_a_user_is_closed_without_one_and_without_a_token(
    library: Project, settings: Any
):
    Group.objects.create(id=1, name="makers")
    for method, path in (
        ("GET", "/api/groups/"),
        ("POST", "/api/groups/"),
        ("POST", "/api/groups/1/shout/"),
        ("GET", "/api/me/"),
        ("GET", "/api/permissions/1/"),
    ):
        assert ask("library.urls_draft", settings, method, path, {"name": "x"})[0] == 401, path
    # A rule that is not known lets only staff in.
    bob = User.objects.create_user("bob")
    assert ask("library.urls_draft", settings, "GET", "/api/permissions/1/", None, bob)[0] == 403
    client = Client(enforce_csrf_checks=True)
    client.force_login(bob)
    assert client.post("/api/groups/", {"name": "x"}, "application/json").status_code == 403
    assert list(Group.objects.values_list("name", flat=True)) == ["makers"]


def test_the_drafts_are_beside_the_files_and_never_over_one(library: Project):
    before = {name: library.read(name) for name in FILES}
    assert before == FILES
    draft = library.read("library/serializers_draft.py")
    assert "q: str = Field(..., max_length=5)" in draft
    assert "limit: int = Field(10, ge=1)" in draft
    assert "since: date = None" in draft
    assert "tags: list[str]" in draft.partition("class SearchOut")[0]
    assert "tags" not in draft.partition("class SearchOut")[2]
    assert "note: str | None" in draft
    (library.folder / "library/views_draft.py").write_text("mine = 1\n")
    library.commit()
    _, err = library.run("adopt")
    assert err.count("exists already, and was not written again") == 4
    assert library.read("library/views_draft.py") == "mine = 1\n"


def test_what_could_not_be_carried_over_is_reported(project: Project):
    project.write(FILES)
    _, err = project.run("adopt", dry_run=True)
    for text in (
        "settings.py:3: DEFAULT_THROTTLE_RATES was not carried over.",
        "serializers.py:31: GroupSerializer: the method validate_name was not carried over.",
        "SearchSerializer: place = serializers.ModelField(model_field=None, read_only=True) has no type here",
        "SearchSerializer: note: trim_whitespace was not carried over.",
        'GroupViewSet: search_fields = ["name"] was not carried over.',
        "PermissionDetail: the permission DjangoModelPermissions was not carried over; the draft lets only staff in.",
        "Hello: the body of post_hello is any object: give `data` a schema.",
        "@api_view was not carried over",
    ):
        assert text in err, text
    assert not list(project.folder.rglob("*_draft.py"))


def test_shapes_that_are_not_known_make_a_draft_that_compiles(project: Project):
    project.write(
        {
            "views.py": """\
from rest_framework import mixins, viewsets, generics, permissions, serializers
from rest_framework.response import Response
from rest_framework.views import APIView
from somewhere import Base, rules

class Odd(Base, viewsets.GenericViewSet): ...
class Bare(viewsets.ModelViewSet):
    permission_classes = rules
    lookup_field = "slug"
    def perform_create(self, serializer):
        log()
        serializer.save()
class Long(generics.ListCreateAPIView):
    queryset = (
        # All
        Base.objects.all()
    )
    def get_serializer_class(self): return X
    def list(self, request, *args, **kwargs):
        page = self.paginate_queryset(self.get_queryset())
        return super().list(request)
class Empty(APIView):
    def get(self, request): pass
    def post(self, request, a: int = 1, *rest, key=None, **more): return Response(status=204)
    async def put(self, request): return Response(data=[x async for x in y], status=self.code)
class Deep(serializers.ModelSerializer):
    odd = Base()
    class Meta:
        model = get_model("a.B")
        fields = FIELDS + ["a"]
        depth = 2
class NoMeta(serializers.ModelSerializer): ...
class OneLine(permissions.BasePermission): message = "no"
class Loop(Loop, permissions.BasePermission):
    def has_permission(self, request, view): return view.action == "list"
""",
            "urls.py": 'from django.urls import path\nimport views\nurlpatterns = [path("", views.Empty.as_view()), path(*x), path("a")]\n',
        }
    )
    _, err = project.run("adopt")
    assert "no draft" not in err
    assert "Bare: the permission rules was not carried over" in err
    assert "paginate_queryset" in err
    assert "it reads attributes of REST framework's view" in err
    for path in project.folder.glob("*_draft.py"):
        compile(path.read_text(), str(path), "exec")
    assert (project.folder / "views_draft.py").exists()


GUARDED = """\
from rest_framework import filters, permissions, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.response import Response
from third.party import IsAuthenticated as Strange, Mixin, OwnerFilter

class IsOwner(permissions.BasePermission):
    def has_object_permission(self, request, view, obj): return obj.user == request.user
class IsOwnerToo(IsOwner): message = "no"
class IsUser(permissions.IsAuthenticated): ...
class IsOdd(permissions.DjangoModelPermissions): ...
class BaseSerializer(serializers.ModelSerializer):
    secret = serializers.CharField(write_only=True)
class BookSerializer(BaseSerializer):
    class Meta:
        model = Book
        fields = ["id", "secret", "password"]
        extra_kwargs = {"password": {"write_only": True}}
    def create(self, data): ...
class NarrowSerializer(serializers.ModelSerializer):
    class Meta(BookSerializer.Meta): fields = "__all__"
    def to_representation(self, instance): ...

class Base(viewsets.ModelViewSet):
    serializer_class = BookSerializer
    permission_classes = [AllowAny]
    queryset = Book.objects.all()
    def get_queryset(self): return Book.objects.filter(user=self.request.user)
class Inherits(Base):
    permission_classes = [IsOwnerToo]
    @action(detail=True, methods=["post"], permission_classes=[IsAuthenticated])
    def lock(self, request, pk): return Response(None, 200, None, {"X-Lock": "1"}, content_type="a/b")
    @action(detail=True, methods=["post"], permission_classes=[Strange])
    def open(self, request, pk): return Response()
class Either(Base):
    permission_classes = [permissions.IsAdminUser & permissions.AllowAny]
class Renamed(Base):
    permission_classes = [Strange]
class Dynamic(Base):
    def get_permissions(self): return []
class Initial(Base):
    def initial(self, request): check(request)
class Filtered(Base):
    filter_backends = [filters.SearchFilter, OwnerFilter]
class Plain(Base):
    filter_backends = [filters.SearchFilter]
    http_method_names = ["get", "delete"]
    def perform_destroy(self, instance): instance.hide()
class Mixed(Mixin, viewsets.ReadOnlyModelViewSet):
    queryset = Book.objects.all()
class Narrow(viewsets.ModelViewSet):
    permission_classes = [AllowAny]
    serializer_class = NarrowSerializer
    queryset = Book.objects.all()
"""


SHAPES = {
    "models.py": """\
from django.db import models
class Author(models.Model):
    name = models.CharField(max_length=9)
class Book(models.Model):
    code = models.CharField(max_length=9, primary_key=True)
    title = models.CharField(max_length=9)
    author = models.ForeignKey(Author, on_delete=models.CASCADE)
""",
    "serializers.py": """\
from rest_framework import serializers
from .models import Author, Book
class AuthorSerializer(serializers.ModelSerializer):
    shout = serializers.SerializerMethodField()
    class Meta:
        model = Author
        fields = "__all__"
    def get_shout(self, author):
        return author.name.upper()
class BookSerializer(serializers.ModelSerializer):
    heading = serializers.CharField(source="title", max_length=5)
    author_id = serializers.PrimaryKeyRelatedField(
        source="author", queryset=Author.objects.filter(name="Ada"), write_only=True
    )
    kind = serializers.ChoiceField(choices=KINDS, write_only=True)
    size = serializers.ChoiceField(choices=[("s", "Small"), ("l", "Large")], allow_blank=True, write_only=True)
    tags = serializers.MultipleChoiceField(choices=["new", "used"], required=False, write_only=True)
    class Meta:
        model = Book
        exclude = ["author"]
class TitleSerializer(serializers.ModelSerializer):
    title = serializers.CharField()
    class Meta:
        model = Book
        fields = ["title"]
""",
}


def test_schemas_name_what_the_model_has(project: Project):
    project.write(SHAPES)
    _, err = project.run("adopt")
    parts = re.split(r"\n\n\nclass ", project.read("serializers_draft.py"))
    found = {part.partition("(")[0]: part for part in parts[1:]}
    # Ninja refuses to exclude what the model has not, and a Meta without fields.
    assert 'exclude = ["id"]' in found["AuthorIn"]
    assert 'fields = "__all__"' in found["AuthorOut"]
    assert 'exclude = ["author"]' in found["BookIn"]
    assert 'exclude = ["author"]' in found["BookOut"]
    assert found["TitleIn"].strip() == "TitleIn(Schema):\n    title: str"
    # What is written has the name of the model.
    assert 'title: str = Field(..., max_length=5, alias="heading")' in found["BookIn"]
    assert "author_id: int\n" in found["BookIn"]
    assert "kind: its choices were not carried over" in err
    assert 'size: Literal["s", "l", ""]\n' in found["BookIn"]
    assert 'tags: list[Literal["new", "used"]] = None' in found["BookIn"]
    assert "size: its choices" not in err
    assert "tags: its choices" not in err
    assert 'not only those of Author.objects.filter(name="Ada")' in err


def test_what_may_refuse_or_hide_something_is_closed(project: Project):
    project.write({"views.py": GUARDED})
    _, err = project.run("adopt")
    assert "no draft" not in err
    draft = project.read("views_draft.py")
    found = re.findall(r"permissions=\[([^]]*)\],?\s*\)\nclass (\w+)Controller", draft)
    rules = {name: " ".join(rule.split()) for rule, name in found}
    staff = "permissions.IsAdminUser"
    assert rules["Inherits"] == "IsOwnerToo"
    assert rules["Either"] == rules["Renamed"] == staff
    for name in ("Dynamic", "Initial", "Filtered", "Mixed", "Narrow"):
        assert staff in rules[name], name
    assert rules["Plain"] == "permissions.AllowAny"
    # What a response was given besides data and status is not lost without a word.
    assert (
        "lock_inherits answers with content_type, headers, template_name, which was not carried"
        in err
    )
    assert "class IsOwnerToo(IsOwner):" in draft
    assert "class IsUser(permissions.IsAuthenticated):" in draft
    assert f"class IsOdd({staff}):" in draft
    # Rows stay those of the inherited get_queryset, and actions have their own rules.
    inherits = draft.partition("class InheritsController")[2].partition("\nclass ")[0]
    assert "filter(user=self.context.request.user)" in inherits
    lock, _, opened = inherits.partition("def lock_inherits")
    assert "permissions=[permissions.IsAuthenticated]" in lock.rpartition("@http_post")[2]
    assert f"permissions=[{staff}]" in opened
    assert "auth=SessionAuthenticator()" in lock.rpartition("@http_post")[2]
    assert 'raise NotImplementedError("create of Inherits")' in inherits
    plain = draft.partition("class PlainController")[2].partition("\nclass ")[0]
    assert re.findall(r"@http_(\w+)", plain) == ["get", "get", "delete"]
    assert 'raise NotImplementedError("destroy of Plain")' in plain
    # Nothing that is only written is shown.
    shown = draft.partition("class BookOut")[2].partition("\nclass ")[0]
    assert "secret" not in shown
    assert "password" not in shown
    assert "class NarrowOut(Schema):\n    pass" in draft
