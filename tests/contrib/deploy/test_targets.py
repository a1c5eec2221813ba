"""The files of every target fit together, and each planted fault is found in them."""

import os
import shlex
import signal
import subprocess
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from django.test import override_settings

from django_matt.contrib.deploy.checks import check_tools
from django_matt.contrib.deploy.documents import read_yaml
from django_matt.contrib.deploy.errors import DeployError
from django_matt.contrib.deploy.options import read_options, validate, write_options
from django_matt.contrib.deploy.projects import Front
from django_matt.contrib.deploy.targets import find_target
from tests.contrib.deploy.facts import GIVEN, WORKS, faults_in, make, project_in
from tests.waiting import wait_until

pytestmark = pytest.mark.once

DOCKERFILE = "deploy/Dockerfile"
COMPOSE, CADDY, FLY, SPEC = (
    "deploy/compose.yaml",
    "deploy/proxy/Caddyfile",
    "fly.toml",
    ".do/app.yaml",
)
BASE, SERVICE = "deploy/aws/base.yaml", "deploy/aws/service.yaml"
LAMBDA = "deploy/aws/lambda.yaml"


@pytest.mark.parametrize("redis", [False, True])
@pytest.mark.sampled(12)
@pytest.mark.parametrize(("name", "database"), WORKS)
def test_the_files_of_a_target_fit_together(
    tmp_path: Path, name: str, database: str, redis: bool
) -> None:
    project = project_in(tmp_path, prunes=True)
    target, options, files = make(project, name, database, redis=redis)
    assert faults_in(project, target, options, files) == []
    variables = target.environment(files)
    assert variables["ALLOWED_HOSTS"] == "shop.example.com"
    assert variables["DEBUG"] == "false"
    assert "SECRET_KEY" not in variables


def test_postgresql_and_redis_are_given_to_the_site(tmp_path: Path) -> None:
    project = project_in(tmp_path)
    _, _, files = make(project, "compose", "postgresql", redis=True)
    services = yaml.safe_load(files[COMPOSE])["services"]
    assert set(services) == {
        *("web-1", "web-2", "migrate", "events", "proxy", "database", "backup", "cache")
    }
    assert services["web-1"]["environment"]["CACHE_URL"] == "redis://cache:6379/0"
    # The database gets its password, and not the other secrets.
    assert [each["path"].rpartition("/")[2] for each in services["database"]["env_file"]] == [
        "POSTGRES_PASSWORD.env"
    ]
    _, _, files = make(project, "digitalocean", "postgresql", redis=True)
    envs = {each["key"]: each for each in yaml.safe_load(files[SPEC])["envs"]}
    assert envs["DATABASE_URL"]["value"] == "${database.DATABASE_URL}"
    assert envs["CACHE_URL"]["value"] == "${cache.DATABASE_URL}"
    assert envs["SECRET_KEY"] == {"key": "SECRET_KEY", "scope": "RUN_TIME", "type": "SECRET"}
    _, _, files = make(project, "aws", "postgresql", redis=True, uploads="bucket")
    site = read_yaml(files[SERVICE], SERVICE)["Resources"]["Site"]["Properties"]
    names = {each["Name"] for each in site["PrimaryContainer"]["Environment"]}
    assert {"CACHE_URL", "STORAGE_URL"} <= names
    assert {each["Name"] for each in site["PrimaryContainer"]["Secrets"]} == {
        *("SECRET_KEY", "DATABASE_URL")
    }


def test_sqlite_is_on_the_volume_of_one_machine(tmp_path: Path) -> None:
    project = project_in(tmp_path)
    _, _, files = make(project, "fly", "sqlite")
    document = tomllib.loads(files[FLY])
    assert document["mounts"][0]["destination"] == "/data"
    assert document["env"]["DATABASE_URL"] == "sqlite:////data/db.sqlite3"
    assert document["http_service"]["min_machines_running"] == 1
    # The machine of a release command has no volume.
    assert "release_command" not in document["deploy"]
    assert "manage.py migrate --no-input && exec granian" in document["processes"]["app"]


@pytest.mark.parametrize(
    ("name", "given", "reason"),
    [
        ("fly", {"machines": 2}, "each has a volume of its own"),
        ("fly", {"workers": ("events",)}, "do not have the volume with the database"),
        ("fly", {"uploads": "volume", "database": "postgresql"}, "each would have some of them"),
        ("digitalocean", {}, "containers have no volumes"),
        ("aws", {}, "tasks have no volumes"),
        ("aws", {"uploads": "volume", "database": "postgresql"}, "no volumes for uploaded files"),
        ("aws-lambda", {}, "each of its copies would have a database of its own"),
        ("aws-lambda", {"uploads": "volume", "database": "postgresql"}, "no volume for uploaded"),
        ("aws-lambda", {"workers": ("events",), "database": "postgresql"}, "cannot run events"),
    ],
)
def test_data_that_would_be_lost_is_refused_with_the_reason(
    tmp_path: Path, name: str, given: dict, reason: str
) -> None:
    with pytest.raises(DeployError, match=reason) as error:
        make(project_in(tmp_path), name, given.pop("database", "sqlite"), **given)
    assert "matt deploy init" in str(error.value)


#: What is planted: the target, the database, the file, the text, its replacement, and a part of the finding.
FAULTS = [
    ("compose", "sqlite", DOCKERFILE, "FROM python:3.13-slim\n", "FROM python:latest\n", "not a fixed version"),
    ("compose", "sqlite", DOCKERFILE, "FROM python:3.13-slim\n", "FROM python\n", "not a fixed version"),
    ("fly", "sqlite", DOCKERFILE, "USER 10001", "USER root", "runs as root"),
    ("fly", "sqlite", DOCKERFILE, "USER 10001\n", "", "runs as root"),
    ("aws", "postgresql", DOCKERFILE, '"--port", "8000"', '"--port", "8080"', "listens on 8080"),
    ("aws", "postgresql", DOCKERFILE, '"0.0.0.0"', '"127.0.0.1"', "inside of the container"),
    ("aws", "postgresql", DOCKERFILE, "EXPOSE 8000", "EXPOSE 80", "80 is exposed"),
    ("compose", "sqlite", DOCKERFILE, 'CMD ["granian"', "CMD granian #", "a line for a shell"),
    ("compose", "sqlite", DOCKERFILE, "HEALTHCHECK", "#", "no HEALTHCHECK"),
    ("compose", "sqlite", DOCKERFILE, "GET /api/health/ready", "GET /healthz", "does not ask /api/health/ready"),
    ("compose", "sqlite", DOCKERFILE, "STOPSIGNAL SIGTERM", "STOPSIGNAL SIGKILL", "STOPSIGNAL is SIGKILL"),
    ("compose", "sqlite", DOCKERFILE, "RUN SECRET_KEY=none-while-building python manage.py collectstatic --no-input --verbosity 0\n", "", "collect the static files"),
    ("compose", "sqlite", DOCKERFILE, "ARG RELEASE", "ENV SECRET_KEY=aa1bb2cc3dd4ee5ff6\nARG RELEASE", "sets SECRET_KEY"),
    ("compose", "sqlite", DOCKERFILE, "COPY . .", "COPY .env ./\nCOPY . .", "copies .env"),
    ("compose", "sqlite", DOCKERFILE, "COPY deploy/vendor/ vendor/", "COPY --from=django-matt / vendor/", "the build context 'django-matt'"),
    ("compose", "sqlite", DOCKERFILE, "COPY deploy/vendor/ vendor/", "", "does not install Django Matt"),
    ("compose", "sqlite", f"{DOCKERFILE}.dockerignore", ".*\n**/.env*\n", ".git\n", "does not leave .env out"),
    ("fly", "postgresql", FLY, "internal_port = 8000", "internal_port = 8080", "internal_port is 8080"),
    ("fly", "postgresql", FLY, 'release_command = "python manage.py migrate --no-input"', "", "no release migrates"),
    ("fly", "sqlite", FLY, "python manage.py migrate --no-input && ", "", "no release migrates"),
    ("fly", "sqlite", FLY, "&& exec granian", "&& granian", "a child of a shell"),
    ("fly", "postgresql", FLY, '"shop.example.com"', '"*"', "ALLOWED_HOSTS has '*'"),
    ("fly", "postgresql", FLY, 'path = "/api/health/ready"', 'path = "/health"', "no check asks"),
    ("fly", "postgresql", FLY, 'Host = "shop.example.com"', "", "names no Host"),
    ("fly", "postgresql", FLY, 'DEBUG = "false"', 'DEBUG = "true"', "DEBUG is on"),
    ("fly", "postgresql", FLY, 'HTTPS = "true"', 'DATABASE_URL = "postgres://shop:hunter22@db.example/shop"', "a URL with a password"),
    ("fly", "postgresql", FLY, 'HTTPS = "true"', 'SECRET_KEY = "4f6d8a0b2c4e6f8a0b2c"', "has a secret"),
    ("fly", "sqlite", FLY, "[[mounts]]", "[[mount]]", "this name is not known here"),
    ("fly", "sqlite", FLY, 'destination = "/data"', 'destination = "/srv"', "no volume is mounted"),
    ("fly", "sqlite", FLY, "min_machines_running = 1", "min_machines_running = 2", "SQLite on 2 machines"),
    ("fly", "sqlite", FLY, "[deploy]", '[deploy]\nrelease_command = "python manage.py migrate"', "release_command with SQLite"),
    ("fly", "sqlite", FLY, 'strategy = "rolling"', 'strategy = "bluegreen"', "bluegreen with a volume"),
    ("fly", "postgresql", FLY, "kill_timeout = 30", "kill_timeout = 5", "after 5 seconds"),
    ("fly", "postgresql", FLY, "force_https = true", "force_https = false", "force_https is off"),
    ("fly", "postgresql", FLY, '"fra"', '"frn"', "no region 'frn'. Did you mean 'fra'?"),
    ("fly", "postgresql", FLY, 'dockerfile = "deploy/Dockerfile"', 'dockerfile = "Dockerfile"', "the image is built from Dockerfile"),
    ("fly", "postgresql", FLY, "internal_port = 8000", "internal_prt = 8000", "internal_prt: this name"),
    ("digitalocean", "postgresql", SPEC, "http_port: 8000", "http_port: 8080", "listens on 8080"),
    ("digitalocean", "postgresql", SPEC, "kind: PRE_DEPLOY", "kind: POST_DEPLOY", "no job PRE_DEPLOY"),
    ("digitalocean", "postgresql", SPEC, '"/api/health/ready"', '"/"', "does not ask /api/health/ready"),
    ("digitalocean", "postgresql", SPEC, "production: true", "production: false", "one for development"),
    ("digitalocean", "postgresql", SPEC, "${database.DATABASE_URL}", "sqlite:////data/db.sqlite3", "DATABASE_URL is a file"),
    ("digitalocean", "postgresql", SPEC, "key: SECRET_KEY, scope: RUN_TIME, type: SECRET", "key: SECRET_KEY, value: aa1bb2cc3dd4, scope: RUN_TIME", "not of the type SECRET"),
    ("digitalocean", "postgresql", SPEC, "type: SECRET }", "type: SECRET, value: aa1bb2cc3dd4 }", "has a value"),
    ("digitalocean", "postgresql", SPEC, "region: \"fra\"", "region: \"frankfurt\"", "no region 'frankfurt'"),
    ("compose", "postgresql", COMPOSE, '"manage.py", "migrate", "--no-input"', '"manage.py", "check"', "no service that migrates"),
    ("compose", "sqlite", COMPOSE, "read_only: true", "read_only: false", "may write to its root"),
    ("compose", "sqlite", COMPOSE, "    - data:/data\n", "    - data:/srv\n", "no volume at /data"),
    ("compose", "sqlite", COMPOSE, "  web-2:\n    <<: *site", "  web-2:\n    <<: *site\n    deploy: { replicas: 2 }", "web-2 runs on 2 machines"),
    ("compose", "postgresql", COMPOSE, "postgres:17.6", "postgres", "not a fixed version"),
    ("compose", "postgresql", COMPOSE, "    image: postgres:17.6\n    restart: unless-stopped\n    environment", "    image: postgres:17.6\n    ports: [\"5432:5432\"]\n    environment", "database publishes 5432"),
    ("compose", "sqlite", COMPOSE, "  backup:", "  copies:", "makes no backups"),
    ("compose", "sqlite", COMPOSE, "stop_grace_period: 30s", "stop_grace_period: 5s", "has 5s to end"),
    ("compose", "sqlite", COMPOSE, "8000), 4)", "8080), 4)", "does not ask port 8000"),
    ("compose", "sqlite", CADDY, "web-2:8000", "", "does not send requests to"),
    ("compose", "sqlite", CADDY, "health_uri /api/health/ready", "health_uri /", "Caddyfile does not ask"),
    ("compose", "sqlite", CADDY, "lb_try_duration 15s", "", "to nobody else"),
    ("aws", "postgresql", SERVICE, "ContainerPort: 8000", "ContainerPort: 80", "ContainerPort is 80"),
    ("aws", "postgresql", SERVICE, '"/api/health/ready"', '"/ping"', "HealthCheckPath is /ping"),
    ("aws", "postgresql", SERVICE, "- { Name: SECRET_KEY, ", "- { Name: OTHER_KEY, ", "SECRET_KEY is missing"),
    ("aws", "postgresql", SERVICE, '"shop.example.com"', '".example.com"', "ALLOWED_HOSTS has '.example.com'"),
    ("aws", "postgresql", BASE, "PubliclyAccessible: false", "PubliclyAccessible: true", "PubliclyAccessible: true"),
    ("aws", "postgresql", BASE, "StorageEncrypted: true", "StorageEncrypted: false", "StorageEncrypted: false"),
    ("aws", "postgresql", BASE, "BackupRetentionPeriod: 14", "BackupRetentionPeriod: 0", "has no backups"),
    ("aws", "postgresql", BASE, "  Migrate:", "  Other:", "do not migrate"),
    ("aws-lambda", "postgresql", BASE, "  Migrate:", "  Other:", "do not migrate"),
    ("aws-lambda", "postgresql", LAMBDA, "AWS::Lambda::Function", "AWS::Lambda::Alias", "has no AWS::Lambda::Function"),
    ("aws-lambda", "postgresql", LAMBDA, "          SECRET_KEY:", "          OTHER_KEY:", "SECRET_KEY is missing"),
    ("aws-lambda", "postgresql", LAMBDA, '"{{resolve:secretsmanager:shop/site:SecretString:SECRET_KEY}}"', '"abc"', "the value of SECRET_KEY is in the file"),
    ("aws-lambda", "postgresql", LAMBDA, '"{{resolve:secretsmanager:shop/database-url:SecretString}}"', '"sqlite:////tmp/db"', "DATABASE_URL is a file"),
    ("aws-lambda", "postgresql", LAMBDA, 'AWS_LWA_PORT: "8000"', 'AWS_LWA_PORT: "8080"', "the adapter asks port 8080"),
    ("aws-lambda", "postgresql", LAMBDA, "Timeout: 29", "Timeout: 60", "Timeout is 60"),
    ("aws-lambda", "postgresql", LAMBDA, '"shop.example.com"', '"*"', "ALLOWED_HOSTS has '*'"),
    ("aws-lambda", "postgresql", "deploy/aws/lambda.Dockerfile", "/opt/extensions/lambda-adapter", "/opt/other", "does not add the adapter"),
]  # fmt: skip


@pytest.mark.sampled(len(FAULTS))
@pytest.mark.parametrize(
    ("name", "database", "path", "text", "planted", "finding"),
    FAULTS,
    ids=[f"{fault[0]}-{fault[5]}" for fault in FAULTS],
)
def test_a_planted_fault_is_found(
    tmp_path: Path, name: str, database: str, path: str, text: str, planted: str, finding: str
) -> None:
    project = project_in(tmp_path)
    target, options, files = make(project, name, database)
    assert text in files[path]
    files[path] = files[path].replace(text, planted)
    found = faults_in(project, target, options, files)
    assert any(finding in each for each in found), found


def test_the_secrets_of_this_machine_are_looked_for_in_every_file(tmp_path: Path) -> None:
    project = project_in(tmp_path)
    (tmp_path / ".env").write_text("DEBUG=true\nSENTRY_DSN=https://aa1bb2cc3dd4@sentry.example/1\n")
    target, options, files = make(project, "fly", "postgresql")
    files[FLY] += '\n# x\n[env2]\nDSN = "https://aa1bb2cc3dd4@sentry.example/1"\n'
    assert any(
        "the value of SENTRY_DSN" in each for each in faults_in(project, target, options, files)
    )
    text = files[FLY].partition("[env2]")[0]
    files[FLY] = text
    assert not faults_in(project, target, options, files)


def test_libraries_that_production_needs_are_in_the_requirements(tmp_path: Path) -> None:
    project = project_in(tmp_path)
    target, options, files = make(project, "aws", "postgresql", redis=True, uploads="bucket")
    (tmp_path / project.requirements).write_text("django==5.2.19\n")
    found = faults_in(project, target, options, files)
    lacking = [each.removesuffix(".").rpartition(" ")[2] for each in found if " has no " in each]
    assert lacking == ["granian", "psycopg", "redis", "django-storages"]


def test_a_file_that_cannot_be_read_is_named_with_its_line(tmp_path: Path) -> None:
    project = project_in(tmp_path)
    target, options, files = make(project, "compose", "sqlite")
    files[COMPOSE] = "name: shop\nservices: [\n"
    with pytest.raises(DeployError, match=r"deploy/compose.yaml, line \d"):
        faults_in(project, target, options, files)
    target, options, files = make(project, "fly", "sqlite")
    files[FLY] = "app = \n"
    with pytest.raises(DeployError, match=r"fly.toml: .*line 1"):
        faults_in(project, target, options, files)


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("fly", {"name": "Shop!"}, "--name 'Shop!'"),
        ("fly", {"name": "x"}, "--name 'x'"),
        ("fly", {"domain": "*.example.com"}, "is a host name such as"),
        ("fly", {"domain": "https://shop.example.com"}, "is a host name such as"),
        ("fly", {"region": "frr"}, "is not a region. Did you mean 'fra'?"),
        ("aws", {"account": "1"}, "--account '1'"),
        ("aws", {"subnets": ("subnet-0a1b2c3d",)}, "--subnets"),
        ("aws", {"region": "eu-central-7"}, "Did you mean 'eu-central-"),
        (
            "compose",
            {"workers": ("mails",)},
            "There is no worker 'mails'. The project has: events.",
        ),
        (
            "compose",
            {"secrets": ("SENTRY_DNS",)},
            "does not read SENTRY_DNS. Did you mean 'SENTRY_DSN'?",
        ),
    ],
)
@pytest.mark.sampled(12)
def test_an_option_that_cannot_work_is_refused(
    tmp_path: Path, name: str, given: dict, message: str
) -> None:
    project = project_in(tmp_path)
    values = {"domain": "shop.example.com", **GIVEN[name], **given}
    with pytest.raises(DeployError) as error:
        validate(find_target(name).Options, values, project)
    assert message in str(error.value)


def test_a_required_option_is_asked_for_by_its_flag(tmp_path: Path) -> None:
    project = project_in(tmp_path)
    with pytest.raises(DeployError, match=r"--registry is missing\."):
        validate(find_target("digitalocean").Options, {"domain": "shop.example.com"}, project)
    with pytest.raises(DeployError, match=r"no option --planet"):
        validate(find_target("fly").Options, {"domain": "a.example.com", "planet": 1}, project)


def test_a_target_that_does_not_exist_is_named_with_those_that_do() -> None:
    with pytest.raises(DeployError, match=r"no target 'flyy'. Did you mean 'fly'\?"):
        find_target("flyy")


def test_options_are_read_as_they_were_written(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    found = {"aws": {**GIVEN["aws"], "standby": False, "machines": 3, "domain": "a.example.com"}}
    (tmp_path / "deploy/options.toml").write_text(write_options(found))
    again = read_options(tmp_path)
    assert again["aws"] == {**found["aws"], "subnets": list(GIVEN["aws"]["subnets"])}
    (tmp_path / "deploy/options.toml").write_text("fly = 3\n")
    with pytest.raises(DeployError, match="fly is not a table"):
        read_options(tmp_path)


def write(folder: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


@pytest.mark.parametrize(("name", "database"), [("compose", "postgresql"), ("compose", "sqlite")])
def test_the_tools_of_others_have_no_remarks(tmp_path: Path, name: str, database: str) -> None:
    project = project_in(tmp_path, prunes=True)
    _, _, files = make(project, name, database, redis=True)
    write(tmp_path, files)
    found = list(check_tools(project, files))
    assert [each.what for each in found] == [
        *("hadolint has no remarks.", "check-jsonschema has no remarks.")
    ]
    subprocess.run(["sh", "-n", "deploy/restore.sh"], cwd=tmp_path, check=True)


@pytest.mark.parametrize("database", ["postgresql", "sqlite"])
@pytest.mark.parametrize("code", [0, 1])
def test_the_site_comes_back_after_a_restore_that_fails(
    tmp_path: Path, database: str, code: int
) -> None:
    _, _, files = make(project_in(tmp_path), "compose", database)
    write(tmp_path, files)
    docker = tmp_path / "docker"
    docker.write_text(
        f'#!/bin/sh\necho "$2" >> "{tmp_path}/calls"\ncase $2 in exec) exit {code};; esac\n'
    )
    docker.chmod(0o755)
    found = subprocess.run(
        ["sh", "deploy/restore.sh", "20261130T031500Z.dump"],
        cwd=tmp_path,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        check=False,
    )
    assert found.returncode == code
    assert (tmp_path / "calls").read_text().split() == ["stop", "exec", "start"]


def test_the_image_builds_the_front_end(tmp_path: Path) -> None:
    plain = make(project_in(tmp_path), "compose", "sqlite")[2]
    assert "node:" not in plain[DOCKERFILE]
    project = project_in(tmp_path, front=Front("front", "static/front"), types=True)
    target, options, files = make(project, "compose", "sqlite")
    write(tmp_path, files)
    text = files[DOCKERFILE]
    order = ["matt_types write", "FROM node:24.11-slim AS front", "npm ci", "npm run build"]
    order += ["COPY --from=front /app/static/front static/front", "collectstatic"]
    assert [text.index(each) for each in order] == sorted(text.index(each) for each in order)
    assert "static/front" in files[f"{DOCKERFILE}.dockerignore"].splitlines()
    assert faults_in(project, target, options, files) == []
    assert next(each.what for each in check_tools(project, files)) == "hadolint has no remarks."


ASTRO = Front("front", start=("dist/server/entry.mjs",), paths=("/api", "/api/*", "/static/*"))


def test_pages_that_node_renders_are_served_beside_django_by_one_proxy(tmp_path: Path) -> None:
    project = project_in(tmp_path, front=ASTRO, types=True)
    target, options, files = make(project, "compose", "sqlite")
    write(tmp_path, files)
    assert faults_in(project, target, options, files) == []
    services = yaml.safe_load(files[COMPOSE])["services"]
    assert services["pages-1"]["environment"] == {"MATT_SPA_BACKEND": "http://proxy:8080"}
    assert services["pages-2"]["build"]["target"] == "pages"
    order = ["npm run build", "npm prune --omit=dev", " AS pages", '"dist/server/entry.mjs"]']
    order += ["FROM python:3.13-slim\n", "collectstatic"]
    text = files[DOCKERFILE]
    # The stage of Python comes first too.
    places = [text.rindex(each) for each in order]
    assert places == sorted(places)
    assert "COPY --from=front /app/static" not in text
    assert [each.what for each in check_tools(project, files)] == [
        "hadolint has no remarks.",
        "check-jsonschema has no remarks.",
    ]
    steps = [step.argv[2:] for step in target.commands(project, options, "run", "abc")]
    assert ("docker", "compose", "--file", COMPOSE, "build", "web-1", "pages-1") in steps
    route = ("exec", "-T", "--env", "UPSTREAMS=web-2:8000", "--env", "PAGES=pages-2:3000", "proxy")
    up = ("up", "--detach", "--no-build", "--no-deps", "--wait", "web-1", "pages-1")
    tails = [step[4:] for step in steps]
    (first,) = [index for index, step in enumerate(tails) if step[:7] == route]
    assert tails[first + 2] == up
    # Each image of a rollback must be there.
    back = [step.argv[-1] for step in target.commands(project, options, "rollback", "abc")]
    assert back[:2] == ["shop:abc", "shop-pages:abc"]


@pytest.mark.parametrize(
    ("path", "text", "planted", "finding"),
    [
        (CADDY, "path /static/*", "", "does not send /static/* to Django"),
        (CADDY, "pages-2:3000", "", "do not have pages-1 and pages-2"),
        (COMPOSE, 'MATT_SPA_BACKEND: "http://proxy:8080"', "{}", "pages-1 does not know where"),
    ],
)
def test_a_fault_of_the_pages_is_found(
    tmp_path: Path, path: str, text: str, planted: str, finding: str
) -> None:
    project = project_in(tmp_path, front=ASTRO)
    target, options, files = make(project, "compose", "sqlite")
    assert text in files[path]
    files[path] = files[path].replace(text, planted)
    assert finding in "\n".join(faults_in(project, target, options, files))


@pytest.mark.parametrize("name", ["fly", "digitalocean", "aws", "aws-lambda"])
def test_other_targets_refuse_pages_of_node_with_the_reason(tmp_path: Path, name: str) -> None:
    with pytest.raises(DeployError, match="Node renders the pages of front/") as error:
        make(project_in(tmp_path, front=ASTRO), name, "postgresql")
    assert "matt deploy init compose" in str(error.value)


def test_pages_without_a_list_of_djangos_urls_are_refused(tmp_path: Path) -> None:
    front = replace(ASTRO, paths=())
    with pytest.raises(DeployError, match=r"front/django.caddy names no path"):
        make(project_in(tmp_path, front=front), "compose", "sqlite")


def test_something_runs_once_a_day_on_every_target(tmp_path: Path) -> None:
    project = project_in(tmp_path, prunes=True)
    files = make(project, "fly", "postgresql")[2]
    assert "manage.py matt_prune; sleep 86400" in tomllib.loads(files[FLY])["processes"]["daily"]
    files = make(project, "digitalocean", "postgresql")[2]
    (job,) = [job for job in yaml.safe_load(files[SPEC])["jobs"] if job["kind"] == "SCHEDULED"]
    assert job["schedule"] == {"cron": "15 3 * * *", "time_zone": "UTC"}
    files = make(project, "aws", "postgresql")[2]
    resources = read_yaml(files[BASE], BASE)["Resources"]
    (container,) = resources["Daily"]["Properties"]["ContainerDefinitions"]
    assert container["Command"] == ["python", "manage.py", "matt_prune"]
    target = resources["EachDay"]["Properties"]["Target"]
    assert target["EcsParameters"]["TaskDefinitionArn"] == {"Ref": "Daily"}
    # Nothing is scheduled for a project that has nothing to do.
    for name in ("fly", "digitalocean", "aws"):
        files = make(project_in(tmp_path), name, "postgresql")[2]
        assert "matt_prune" not in "".join(files.values())


def test_a_function_of_lambda_has_the_adapter_and_serves_one_request_at_a_time(
    tmp_path: Path,
) -> None:
    for wsgi, interface, served in (
        ("", "asgi", "config.asgi:application"),
        ("config.wsgi:application", "wsgi", "config.wsgi:application"),
    ):
        project = project_in(tmp_path, wsgi=wsgi)
        target, options, files = make(project, "aws-lambda", "postgresql", redis=True)
        site = read_yaml(files[LAMBDA], LAMBDA)["Resources"]["Site"]["Properties"]
        command = site["ImageConfig"]["Command"]
        assert command[command.index("--workers") + 1] == "1"
        assert (command[command.index("--interface") + 1], command[-1]) == (interface, served)
    variables = site["Environment"]["Variables"]
    assert variables["SECRET_KEY"] == "{{resolve:secretsmanager:shop/site:SecretString:SECRET_KEY}}"
    steps = [step.argv for step in target.commands(project, options, "run", "abc")]
    (adapt,) = [step for step in steps if "deploy/aws/lambda.Dockerfile" in step]
    assert "--provenance=false" in adapt
    assert "SITE=shop-site:abc" in adapt
    assert steps.index(adapt) < next(i for i, step in enumerate(steps) if "push" in step)
    assert steps[-1][-1] == LAMBDA


def test_with_sqlite_on_fly_the_machine_migrates_before_anything_else(tmp_path: Path) -> None:
    files = make(project_in(tmp_path, prunes=True), "fly", "sqlite")[2]
    command = shlex.split(tomllib.loads(files[FLY])["processes"]["app"])
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("python", "granian", "sleep"):
        (tools / name).write_text(
            f'#!/bin/sh\n[ "$2" = migrate ] && /bin/sleep 0.3\necho {name} $2 >> {tmp_path}/calls\n[ {name} != sleep ] || /bin/sleep 5\n'
        )
        (tools / name).chmod(0o755)
    with subprocess.Popen(command, env={"PATH": f"{tools}:/bin"}, start_new_session=True) as run:
        assert run.wait(10) == 0
        wait_until(lambda: "sleep" in (tmp_path / "calls").read_text())
        os.killpg(run.pid, signal.SIGKILL)
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls[0] == "python migrate"
    assert {"granian asgi", "python matt_prune"} <= set(calls)


def migrate(folder: Path, aws: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run the script that migrates on AWS, with a program in place of ``aws``."""
    files = make(project_in(folder), "aws", "postgresql")[2]
    tools = folder / "tools"
    tools.mkdir()
    (tools / "aws").write_text(f"#!/bin/sh\n{aws}\n")
    (tools / "aws").chmod(0o755)
    return subprocess.run(
        ["sh", "-c", files["deploy/aws/migrate.sh"]],
        cwd=folder,
        env={"PATH": f"{tools}:/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


@pytest.mark.parametrize(
    ("states", "minutes", "code"), [(["RUNNING", "STOPPED"], "60", 0), (["RUNNING"], "0", 1)]
)
def test_a_release_waits_for_its_migration_as_long_as_it_may(
    tmp_path: Path, states: list[str], minutes: str, code: int
) -> None:
    (tmp_path / "states").write_text("\n".join(states) + "\n")
    # Answers each question about the state of the task by the next line.
    done = migrate(
        tmp_path,
        'case "$*" in *lastStatus*) head -1 states; [ $(wc -l < states) = 1 ] || sed -i 1d states;;'
        " *exitCode*) echo 0;; *) echo arn:of-a-task;; esac",
        MIGRATION_MINUTES=minutes,
        MIGRATION_PAUSE="0",
    )
    assert done.returncode == code, done.stderr
    assert ("The migration still runs" in done.stderr) == bool(code)
    # The bound is an option.
    files = make(project_in(tmp_path), "aws", "postgresql", migration_minutes=240)[2]
    assert "MIGRATION_MINUTES:-240" in files["deploy/aws/migrate.sh"]


def test_a_release_ends_where_no_task_was_started_for_its_migration(tmp_path: Path) -> None:
    # The command succeeds where there is no capacity, and names no task.
    done = migrate(tmp_path, "echo None")
    assert done.returncode == 1
    assert "ECS has started no task" in done.stderr


def test_loops_of_compose_hear_sigterm(tmp_path: Path) -> None:
    for database in ("sqlite", "postgresql"):
        files = make(project_in(tmp_path, prunes=True), "compose", database)[2]
        services = yaml.safe_load(files[COMPOSE])["services"]
        loops = [each for each in services.values() if "while" in str(each.get("command"))]
        assert len(loops) == 2
        assert all(each["init"] for each in loops)


@override_settings(USE_THOUSAND_SEPARATOR=True, LANGUAGE_CODE="de")
def test_numbers_are_not_written_as_the_project_shows_them(tmp_path: Path) -> None:
    project = project_in(tmp_path)
    target, options, files = make(project, "digitalocean", "postgresql")
    assert faults_in(project, target, options, files) == []
    assert "http_port: 8000" in files[SPEC]


def test_packages_of_this_machine_are_not_in_the_image(tmp_path: Path) -> None:
    _, _, files = make(project_in(tmp_path), "compose", "sqlite")
    ignored = files[f"{DOCKERFILE}.dockerignore"].splitlines()
    assert {".*", "venv", "**/node_modules"} <= set(ignored)


def test_an_app_that_the_platform_does_not_know_loses_no_secret(tmp_path: Path) -> None:
    project = project_in(tmp_path)
    app = "0a1b2c3d-1111-2222-3333-0a1b2c3d4e5f"
    target, options, files = make(project, "digitalocean", "postgresql", app_id=app)
    write(tmp_path, files)
    (command,) = target.send(project, options, {"SECRET_KEY": "x"})
    assert command.stdin
    with pytest.raises(DeployError, match="doctl knows no app"):
        command.stdin(lambda argv: "")


def test_a_database_that_is_still_being_made_is_not_healthy(tmp_path: Path) -> None:
    _, _, files = make(project_in(tmp_path), "compose", "postgresql")
    test = yaml.safe_load(files[COMPOSE])["services"]["database"]["healthcheck"]["test"]
    assert test[:4] == ["CMD", "pg_isready", "--host", "127.0.0.1"]


def test_the_tools_of_others_are_heard(tmp_path: Path) -> None:
    project = project_in(tmp_path)
    _, _, files = make(project, "compose", "sqlite")
    files[COMPOSE] = files[COMPOSE].replace("read_only: true", "read_onyl: true")
    files[DOCKERFILE] = files[DOCKERFILE].replace("COPY . .", "RUN cd /app\nCOPY . .")
    write(tmp_path, files)
    found = [each.what for each in check_tools(project, files) if each.level == "broken"]
    assert any("DL3003" in each for each in found)
    assert any("read_onyl" in each for each in found)


@pytest.mark.parametrize("redis", [False, True])
@pytest.mark.exhaustive
def test_cfn_lint_has_no_remarks(tmp_path: Path, redis: bool) -> None:
    project = project_in(tmp_path)
    uploads = "bucket" if redis else "none"
    _, _, files = make(project, "aws", "postgresql", redis=redis, uploads=uploads)
    write(tmp_path, files)
    found = list(check_tools(project, files))
    assert {each.level for each in found} == {"fine"}, found
    subprocess.run(["sh", "-n", "deploy/aws/migrate.sh"], cwd=tmp_path, check=True)
    files[SERVICE] = files[SERVICE].replace("HealthCheckPath:", "HealthPath:")
    write(tmp_path, files)
    assert any("HealthPath" in each.what for each in check_tools(project, files))
