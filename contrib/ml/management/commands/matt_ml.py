"""``manage.py matt_ml``: lists versions, registers files, changes stages, makes int8 versions, compares versions, and measures batches."""

import json
from argparse import ArgumentTypeError
from typing import Any

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_matt.contrib.ml import services
from django_matt.contrib.ml.comparisons import compare_answers, measure_batch, predict_all
from django_matt.contrib.ml.files import checked_file
from django_matt.contrib.ml.fleets import find_served
from django_matt.contrib.ml.models import Model, Stage
from django_matt.contrib.ml.quantization import quantize
from django_matt.contrib.ml.replicas import Replica, Wanted
from django_matt.contrib.ml.served import Served

__all__ = ["Command"]

_SIZES = (1, 2, 4, 8, 16, 32, 64)


class Command(BaseCommand):
    """Manage the versions of served models."""

    help = (
        "List the versions of models, register a file, change a stage, make an int8 version, check and compare versions, "
        "or measure batches."
    )

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
        small = actions.add_parser(
            "quantize",
            help="make an int8 version of an ONNX file, and register it if its answers agree",
        )
        small.add_argument("name", metavar="NAME")
        small.add_argument("version_name", metavar="VERSION")
        small.add_argument("new_version", metavar="NEW_VERSION")
        small.add_argument(
            "--tolerance",
            type=_positive,
            default=0.01,
            help="how much numbers may differ, relative to their size",
        )
        small.add_argument(
            "--agreement",
            type=_share,
            default=1.0,
            metavar="SHARE",
            help="of the items of warm() that must agree",
        )
        small.add_argument("--stage", choices=Stage.values, default=Stage.RETIRED)
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
            together = predict_all(model, items)
            if options["against"] is None:
                other = [predict_all(model, [item])[0] for item in items]
                what = "alone and in a batch"
            else:
                other = predict_all(self._open(name, options["against"]), items)
                what = f"by {model.version} and {options['against']}"
            agreed, most = compare_answers(together, other, options["tolerance"])
            share = agreed / len(items)
            self.stdout.write(
                f"{name}:{model.version}: {agreed} of {len(items)} answers are equal {what}; "
                f"numbers differ by {most:.2g} at most."
            )
            if share < options["agreement"]:
                raise CommandError(f"{share:.0%} agree, and {options['agreement']:.0%} must.")

    def _quantize(self, options: dict[str, Any]) -> None:
        kind = find_served().get(options["name"])
        if kind is None:
            raise CommandError(f"No served.py has a model {options['name']!r}.")
        made = quantize(
            kind,
            options["version_name"],
            options["new_version"],
            tolerance=options["tolerance"],
            agreement=options["agreement"],
            stage=options["stage"],
        )
        self.stdout.write(
            f"size: {made.bytes_before:,} to {made.bytes_after:,} bytes\n"
            f"speed: {made.speed_before:.0f} to {made.speed_after:.0f} items/s in batches of {kind.batch.size}\n"
            f"answers: {made.agreed} of {made.items} agree; numbers differ by {made.difference:.2g} at most"
        )
        if made.row is None:
            raise CommandError(
                f"{made.agreed / made.items:.0%} agree, and {options['agreement']:.0%} must: nothing is registered."
            )
        self.stdout.write(f"{made.row} is registered as {made.row.stage}: {made.row.path}")

    def _bench(self, options: dict[str, Any]) -> None:
        model = self._open(options["name"], options["model_version"])
        items = [*model.warm()]
        if not items:
            raise CommandError(f"warm() of {options['name']} has no items to predict.")
        found = [measure_batch(model, items, size, options["seconds"]) for size in _SIZES]
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


def _share(text: str) -> float:
    value = float(text)
    if not 0 < value <= 1:
        raise ArgumentTypeError("it must be above 0, and 1 at most")
    return value


def _positive(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise ArgumentTypeError("it must be above 0")
    return value
