"""Random ``ModelAdmin`` classes of a product, and random writes to them; the same for the same number."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from django.contrib import admin

__all__ = ["Write", "make_admin", "random_query", "random_write"]

FIELDS = [
    "name",
    "kind",
    "price",
    "stock",
    "is_active",
    "category",
    "parent",
    "labels",
    "made",
    "day",
    "data",
    "note",
]
COLUMNS = ["name", "price", "stock", "is_active", "category", "kind", "made", "shout", "__str__"]


def some(rng: Random, values: list[str], least: int = 1) -> list[str]:
    return rng.sample(values, rng.randint(least, len(values)))


def make_admin(rng: Random, store: Any) -> type[Any]:
    """Return a ``ModelAdmin`` that uses about half of what there is."""

    class Rich(admin.SimpleListFilter):
        title = "price"
        parameter_name = "rich"

        def lookups(self, request, model_admin):
            return [("yes", "Rich"), ("no", "Poor")]

        def queryset(self, request, queryset):
            wanted: Any = {"yes": {"price__gte": 10}, "no": {"price__lt": 10}}
            return queryset.filter(**wanted.get(self.value(), {}))

    def may(chance: float) -> bool:
        return rng.random() < chance

    options: dict[str, Any] = {}

    @admin.display(description="Shouted", ordering="name")
    def shout(self, obj):
        return f"{obj.name.upper()}!" if obj.pk else "-"

    options["shout"] = shout
    options["list_display"] = some(rng, COLUMNS)
    options["search_fields"] = some(rng, ["name", "note", "category__name", "=kind"], 0)
    options["list_filter"] = some(rng, ["category", "kind", "is_active", "day"], 0) + (
        [Rich] if may(0.3) else []
    )
    if may(0.3):
        options["ordering"] = [rng.choice(["-price", "name", "-pk"])]
    if may(0.3):
        options["sortable_by"] = some(rng, ["name", "price"], 0)
    if may(0.3):
        options["list_per_page"] = 2
    if may(0.2):
        options["show_full_result_count"] = False
    read_only = (
        some(rng, ["note", "stock", "shout", "category", "data", "labels"], 0) if may(0.5) else []
    )
    options["readonly_fields"] = read_only
    fields = some(rng, FIELDS, 3)
    shape = rng.choice(["all", "exclude", "fields", "fieldsets"])
    if shape == "exclude":
        options["exclude"] = [
            each
            for each in some(rng, ["note", "made", "day", "data", "parent", "stock"])
            if each not in read_only
        ]
    elif shape == "fields":
        options["fields"] = [*fields, *(each for each in read_only if each not in fields)]
    elif shape == "fieldsets":
        half = len(fields) // 2
        options["fieldsets"] = [
            (None, {"fields": [tuple(fields[:half])] if half > 1 else fields[:half]}),
            (
                "More",
                {"fields": fields[half:], "classes": ["collapse"], "description": "<b>More</b>"},
            ),
        ]
        if half == 0:
            options["fieldsets"] = [(None, {"fields": fields})]
    widget = rng.choice(
        ["raw_id_fields", "radio_fields", "filter_horizontal", "autocomplete_fields", ""]
    )
    if widget == "raw_id_fields":
        options["raw_id_fields"] = ["category", "labels"]
    elif widget == "radio_fields":
        options["radio_fields"] = {"kind": admin.HORIZONTAL}
    elif widget == "filter_horizontal":
        options["filter_horizontal"] = ["labels"]
    elif widget == "autocomplete_fields":
        options["autocomplete_fields"] = ["category"]
    options |= _rules(may, rng)
    if may(0.5):
        options["inlines"] = [_inline(rng, store)]
    options["actions"] = [_raise_price] if may(0.5) else (None if may(0.3) else [])
    return type("ProductAdmin", (admin.ModelAdmin,), options)


@admin.action(permissions=["change"], description="Raise the price of %(verbose_name_plural)s")
def _raise_price(modeladmin, request, queryset):
    for each in queryset:
        each.price += 1
        each.save()
    modeladmin.message_user(request, f"{len(queryset)} are dearer.")


def _rules(may: Callable[[float], bool], rng: Random) -> dict[str, Any]:
    """Return overridden methods: who may see, change, add and delete what, and what saving does."""
    found: dict[str, Any] = {}
    if may(0.3):

        def get_queryset(self, request):
            return admin.ModelAdmin.get_queryset(self, request).filter(price__lt=20)

        found["get_queryset"] = get_queryset
    for verb in ("view", "change", "delete"):
        if may(0.15):
            name = rng.choice(["Arc", "Bow"])

            def allowed(self, request, obj=None, *, verb=verb, name=name):
                stock = getattr(admin.ModelAdmin, f"has_{verb}_permission")
                return stock(self, request, obj) and (obj is None or obj.name != name)

            found[f"has_{verb}_permission"] = allowed
    if may(0.1):
        found["has_add_permission"] = lambda self, request: False
    if may(0.3):

        def save_model(self, request, obj, form, change):
            obj.note = f"saved by {request.user.username} ({'change' if change else 'add'}): {form.changed_data}"
            admin.ModelAdmin.save_model(self, request, obj, form, change)

        found["save_model"] = save_model
    if may(0.2):

        def get_readonly_fields(self, request, obj=None):
            return [*self.readonly_fields, *([] if request.user.is_superuser else ["price"])]

        found["get_readonly_fields"] = get_readonly_fields
    if may(0.15):

        def lookup_allowed(self, lookup, value, request):
            return lookup != "price__gt" and admin.ModelAdmin.lookup_allowed(
                self, lookup, value, request
            )

        found["lookup_allowed"] = lookup_allowed
    if may(0.1):

        def save_related(self, request, form, formsets, change):
            admin.ModelAdmin.save_related(self, request, form, formsets, change)
            form.instance.reviews.filter(stars__gt=5).delete()

        found["save_related"] = save_related
    if may(0.15):

        def get_changeform_initial_data(self, request):
            return {"stock": 7, "note": "new"}

        found["get_changeform_initial_data"] = get_changeform_initial_data
    return found


def _inline(rng: Random, store: Any) -> type[Any]:
    options: dict[str, Any] = {"model": store.Review, "extra": rng.choice([0, 1, 3])}
    if rng.random() < 0.2:
        options["readonly_fields"] = ["text"]
    if rng.random() < 0.2:
        options["can_delete"] = False
    if rng.random() < 0.2:
        options["max_num"] = 2
    if rng.random() < 0.1:
        options["min_num"], options["validate_min"] = 1, True
    for verb in ("add", "change", "delete"):
        if rng.random() < 0.1:
            options[f"has_{verb}_permission"] = lambda self, request, obj=None: False
    kind = rng.choice([admin.TabularInline, admin.StackedInline])
    return type("ReviewInline", (kind,), options)


def random_query(rng: Random, rows: Any) -> str:
    """Return the query of a list; some are refused."""
    choices = [
        "", "", "q=a", "q=lamps", f"category__id__exact={rows.lamps.pk}", "kind__exact=chair", "is_active__exact=1",
        "rich=yes", "price__gt=6", "category__name=Lamps", "nonsense=1", "category__id__exact=x", "day__gte=2026-01-01",
        "price__lt=x", "q=a&kind__exact=lamp", "parent__category__name=Lamps", "stock__in=0,1", "o=1", "o=-2.1",
    ]  # fmt: skip
    return rng.choice(choices)


@dataclass
class Write:
    """The body of a request, and the same as changes of a form's data."""

    body: dict[str, Any]
    form: dict[str, Any]


def random_write(rng: Random, rows: Any, *, new: bool) -> Write:
    """Return some values of fields, and of rows of reviews."""
    lamps, chairs, red, blue = rows.lamps, rows.chairs, rows.red, rows.blue
    values: dict[str, list[tuple[Any, Any]]] = {
        "name": [("New", "New"), ("forbidden", "forbidden"), ("odd", "odd"), ("", ""), ("x" * 41, "x" * 41), (" é<b>", " é<b>")],
        "kind": [("chair", "chair"), ("tree", "tree")],
        "price": [("12.34", "12.34"), (3, "3"), ("abc", "abc"), ("1.234", "1.234"), (None, "")],
        "stock": [(4, "4"), (1.5, "1.5"), ("many", "many")],
        "is_active": [(True, "on"), (False, None)],
        "category": [(chairs.pk, chairs.pk), ({"id": lamps.pk, "label": "x"}, lamps.pk), (10**6, 10**6), (None, "")],
        "parent": [(rows.products[2].pk, rows.products[2].pk), (None, "")],
        "labels": [([red.pk, blue.pk], [red.pk, blue.pk]), ([], []), ([10**6], [10**6])],
        "made": [("2026-03-04T05:06:07Z", ("2026-03-04", "05:06:07")), ("never", ("never", "")), (None, ("", ""))],
        "day": [("2026-03-04", "2026-03-04"), ("2026-02-30", "2026-02-30"), (None, "")],
        "data": [({"a": [1, None]}, '{"a": [1, null]}')],
        "note": [("hello", "hello"), ("", "")],
    }  # fmt: skip
    chosen = rng.sample(list(values), rng.randint(1, 4))
    if new:
        chosen = list(dict.fromkeys(["name", "price", "category", *chosen]))
    made = Write({}, {})
    for name in chosen:
        # Mostly what is accepted, as one refused value hides all others.
        body, form = values[name][0] if rng.random() < 0.8 else rng.choice(values[name])
        made.body[name] = body
        made.form[name] = form
    if rng.random() < 0.5:
        kind = rng.choice(["add", "change", "delete", "bad"]) if not new else "add"
        first = rows.reviews[0].pk
        made.body["reviews"] = {
            "add": [{"stars": 2, "text": "added"}],
            "change": [{"id": first, "stars": 4}],
            "delete": [{"id": first, "delete": True}],
            "bad": [{"id": first, "stars": "no"}],
        }[kind]
        made.form["reviews"] = kind
    return made
