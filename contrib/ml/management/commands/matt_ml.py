"""``manage.py matt_ml``: lists versions, registers files, changes stages, compares versions, and measures batches."""

import json
import statistics
import time
from argparse import ArgumentTypeError
from typing import Any

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_matt.contrib.ml import services
from django_matt.contrib.ml.batchers import check_results
from django_matt.contrib.ml.files import checked_file
from django_matt.contrib.ml.fleets import find_served
from django_matt.contrib.ml.models import Model, Stage
from django_matt.contrib.ml.replicas import Replica, Wanted
from django_matt.contrib.ml.served import Served

__all__ = ["Command"]

_SIZES = (1, 2, 4, 8, 16, 32, 64)


class Command(BaseCommand):
    """Manage the versions of served models."""

    help = "List the versions of models, register a file, change a stage, check and compare versions, or measure batches."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the subcommands."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        listing = actions.add_parser("list", help="list the models and their registered versions")
        listing.add_argument("--format", choices=("table", "json"), default="table")
        load = actions.add_parser("load", help="register a file as a version of a model")
        load.add_argument("name", metavar="NAME")
        load.add_argument("version_name", metavar="VERSION")
        load.add_argument("path", metavar="FILE")
        stage = actions.add_parser("stage", help="change what a version is used for")
        stage.add_argument("name", metavar="NAME")
        stage.add_argument("version_name", metavar="VERSION")
        stage.add_argument("stage", metavar="STAGE", choices=Stage.values)
        for each in (load, stage):
            each.add_argument(
                "--share", type=int, default=0, help="percent of the requests for a canary"
            )
        load.add_argument("--stage", choices=Stage.values, default=Stage.RETIRED)
        check = actions.add_parser(
            "check", help="load versions, and compare their answers to the items of warm()"
        )
        check.add_argument("name", metavar="NAME", nargs="?")
        check.add_argument("--against", metavar="VERSION", help="compare the version with this one")
        check.add_argument("--tolerance", type=_positive, default=1e-5)
        check.add_argument("--agreement", type=float, default=1.0, metavar="SHARE")
        bench = actions.add_parser("bench", help="measure batches of 1 to 64 items of warm()")
        bench.add_argument("name", metavar="NAME")
        bench.add_argument("--seconds", type=_positive, default=1.0, help="for each size")
        bench.add_argument("--format", choices=("table", "json"), default="table")
        for each in (check, bench):
            each.add_argument("--model-version", metavar="VERSION", help="by default the live one")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what the action says."""
        try:
            getattr(self, f"_{options['action']}")(options)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error

    def _list(self, options: dict[str, Any]) -> None:
        classes = find_served()
        fields = ("name", "version", "stage", "share", "path", "digest")
        found = [
            {**row, "served": row["name"] in classes}
            for row in Model.objects.order_by("name", "id").values(*fields)
        ]
        live = {each["name"] for each in found if each["stage"] == Stage.LIVE}
        for name, kind in classes.items():
            if name not in live:
                code = {"version": kind.version, "stage": "live", "share": 0, "path": ""}
                found.append({"name": name, **code, "digest": "", "served": True})
        if options["format"] == "json":
            self.stdout.write(json.dumps(found, indent=2))
            return
        for each in found:
            share = f" {each['share']} %" if each["share"] else ""
            digest = each["digest"][:16] or "no file"
            missing = "" if each["served"] else " (no class)"
            self.stdout.write(
                f"{each['name']}:{each['version']} {each['stage']}{share} {digest}{missing}"
            )

    def _load(self, options: dict[str, Any]) -> None:
        row = services.register(
            options["name"],
            options["version_name"],
            options["path"],
            stage=options["stage"],
            share=options["share"],
        )
        self.stdout.write(f"{row} is registered as {row.stage}: {row.path}")

    def _stage(self, options: dict[str, Any]) -> None:
        row = services.set_stage(
            options["name"], options["version_name"], options["stage"], share=options["share"]
        )
        self.stdout.write(f"{row} is {row.stage}.")

    def _check(self, options: dict[str, Any]) -> None:
        classes = find_served()
        if options["name"] is None:
            for row in Model.objects.exclude(stage=Stage.RETIRED):
                checked_file(row.path, row.digest)
        names = [options["name"]] if options["name"] else list(classes)
        for name in names:
            model = self._open(name, options["model_version"])
            items = [*model.warm()]
            if not items:
                self.stdout.write(
                    f"{name}:{model.version} is loaded; warm() has no items to predict."
                )
                continue
            together = _predict(model, items)
            if options["against"] is None:
                other = [_predict(model, [item])[0] for item in items]
                what = "alone and in a batch"
            else:
                other = _predict(self._open(name, options["against"]), items)
                what = f"by {model.version} and {options['against']}"
            agreed, most = _compare(together, other, options["tolerance"])
            share = agreed / len(items)
            self.stdout.write(
                f"{name}:{model.version}: {agreed} of {len(items)} answers are equal {what}; "
                f"numbers differ by {most:.2g} at most."
            )
            if share < options["agreement"]:
                raise CommandError(f"{share:.0%} agree, and {options['agreement']:.0%} must.")

    def _bench(self, options: dict[str, Any]) -> None:
        model = self._open(options["name"], options["model_version"])
        items = [*model.warm()]
        if not items:
            raise CommandError(f"warm() of {options['name']} has no items to predict.")
        found = [_measure(model, items, size, options["seconds"]) for size in _SIZES]
        if options["format"] == "json":
            self.stdout.write(json.dumps(found, indent=2))
            return
        self.stdout.write("items  items/s  ratio   p50 ms   p99 ms")
        for each in found:
            self.stdout.write(
                "{size:5}  {per_second:7.0f}  {ratio:5.2f}  {p50:7.2f}  {p99:7.2f}".format(
                    ratio=each["per_second"] / found[0]["per_second"], **each
                )
            )

    def _open(self, name: str, version: str | None) -> Served:
        kind = find_served().get(name)
        if kind is None:
            raise CommandError(f"No served.py has a model {name!r}.")
        rows = Model.objects.filter(name=name)
        chosen = (
            rows.filter(stage=Stage.LIVE).first()
            if version is None
            else rows.filter(version=version).first()
        )
        if version is not None and chosen is None and version != kind.version:
            raise CommandError(f"{name}:{version} is not registered.")
        wanted = (
            Wanted(kind.version, "", "", Stage.LIVE, 0)
            if chosen is None
            else Wanted(chosen.version, chosen.digest, chosen.path, chosen.stage, 0)
        )
        model = Replica(kind, wanted).model
        if model is None or kind.predict is Served.predict:
            raise CommandError(f"{name} has no predict().")
        return model


def _positive(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise ArgumentTypeError("it must be above 0")
    return value


def _predict(model: Served, items: list[Any]) -> list[Any]:
    return [
        each.model_dump() if hasattr(each, "model_dump") else each
        for each in check_results(model.predict(items), len(items))
    ]


def _compare(mine: list[Any], other: list[Any], tolerance: float) -> tuple[int, float]:
    """Return how many answers are equal, and the largest difference of their numbers relative to their size."""
    agreed, most = 0, 0.0
    for one, two in zip(mine, other, strict=True):
        difference = _difference(one, two)
        agreed += difference <= tolerance
        most = max(most, difference)
    return agreed, most


def _difference(one: Any, two: Any) -> float:
    if isinstance(one, dict) and isinstance(two, dict) and one.keys() == two.keys():
        return max((_difference(one[key], two[key]) for key in one), default=0.0)
    if isinstance(one, list | tuple) and isinstance(two, list | tuple) and len(one) == len(two):
        return max(map(_difference, one, two), default=0.0)
    if isinstance(one, float) and isinstance(two, int | float):
        return abs(one - two) / max(1.0, abs(one))
    return 0.0 if one == two else float("inf")


def _measure(model: Served, items: list[Any], size: int, seconds: float) -> dict[str, Any]:
    batch = [items[number % len(items)] for number in range(size)]
    model.predict(list(batch))
    times: list[float] = []
    end = time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        begun = time.perf_counter()
        model.predict(list(batch))
        times.append(time.perf_counter() - begun)
    ordered = sorted(times)
    return {
        "size": size,
        "per_second": size / statistics.mean(times),
        "p50": 1e3 * ordered[len(ordered) // 2],
        "p99": 1e3 * ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))],
    }
