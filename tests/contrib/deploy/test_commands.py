"""``matt_deploy`` as people use it, with stand-ins for the tools of the platforms."""

import io
import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from django_matt.contrib.deploy import releases
from django_matt.contrib.deploy.management.commands import matt_deploy
from django_matt.contrib.deploy.projects import Project
from tests.contrib.deploy.facts import project_in
from tests.contrib.deploy.tools import Tools

pytestmark = pytest.mark.once

DOMAIN = ("--domain", "shop.example.com")
SECRET = "s3cret-value-that-is-nowhere-else"


@pytest.fixture(autouse=True)
def _installed(settings: Any) -> None:
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "django_matt.contrib.deploy"]


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tools:
    found = Tools(tmp_path / "tools", "fly", "doctl", "aws", "docker")
    monkeypatch.setenv("PATH", found.path)
    return found


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    folder = tmp_path / "shop"
    folder.mkdir()
    found = project_in(folder, vendored=False, workers={})
    monkeypatch.setattr(matt_deploy, "read_project", lambda: found)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    git(folder, "init", "--quiet")
    commit(folder)
    return found


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def commit(folder: Path) -> str:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "A change")
    return git(folder, "rev-parse", "HEAD")[:12]


def deploy(*arguments: str) -> str:
    output = io.StringIO()
    call_command("matt_deploy", *arguments, stdout=output, stderr=output)
    return output.getvalue()


def type_in(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_init_shows_what_it_writes(project: Project) -> None:
    said = deploy("init", "fly", *DOMAIN, "--dry-run")
    assert "+++ b/fly.toml" in said
    assert '+app = "shop"' in said
    assert not (project.folder / "fly.toml").exists()
    # Nobody can be asked here.
    with pytest.raises(CommandError, match="Nothing was written, because nobody can be asked"):
        deploy("init", "fly", *DOMAIN)
    assert not (project.folder / "fly.toml").exists()
    assert "Wrote deploy/Dockerfile" in deploy("init", "fly", *DOMAIN, "--no-input")
    assert 'domain = "shop.example.com"' in (project.folder / "deploy/options.toml").read_text()
    # Options are remembered.
    assert "Nothing changes" in deploy("init", "fly", "--no-input")


def test_edits_are_merged_with_what_is_written_later(project: Project) -> None:
    deploy("init", "fly", *DOMAIN, "--no-input")
    path = project.folder / "fly.toml"
    path.write_text(path.read_text().replace("soft_limit = 100", "soft_limit = 150"))
    deploy("init", "fly", "--memory", "1gb", "--no-input")
    text = path.read_text()
    assert "soft_limit = 150" in text
    assert 'memory = "1gb"' in text
    # What both have changed is not decided by us.
    path.write_text(text.replace('memory = "1gb"', 'memory = "4gb"'))
    with pytest.raises(
        CommandError, match=r"(?s)fly.toml:\d+: you and the generator.*Nothing was written"
    ):
        deploy("init", "fly", "--memory", "2gb", "--no-input")
    assert 'memory = "4gb"' in path.read_text()
    assert 'memory = "1gb"' in (project.folder / "deploy/options.toml").read_text()
    deploy("init", "fly", "--memory", "2gb", "--no-input", "--on-conflict", "replace")
    assert 'memory = "2gb"' in path.read_text()


def test_a_file_of_somebody_else_is_not_replaced(project: Project) -> None:
    (project.folder / "fly.toml").write_text('app = "mine"\n')
    with pytest.raises(CommandError, match=r"fly.toml is there and was not generated"):
        deploy("init", "fly", *DOMAIN, "--no-input")
    assert (project.folder / "fly.toml").read_text() == 'app = "mine"\n'
    assert not (project.folder / "deploy").exists()


def test_an_interruption_leaves_nothing_half_written(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    replaced: list[Path] = []
    real = Path.replace

    def interrupt(path: Path, target: Path) -> Path:
        if len(replaced) == 2:
            signal.raise_signal(signal.SIGINT)
        replaced.append(target)
        return real(path, target)

    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(CommandError, match="Stopped") as error:
        deploy("init", "compose", *DOMAIN, "--no-input")
    assert error.value.returncode == 130
    assert len(replaced) == 2
    assert git(project.folder, "status", "--porcelain") == ""


def test_plan_shows_the_commands_of_a_release(project: Project) -> None:
    deploy("init", "compose", *DOMAIN, "--database", "postgresql", "--no-input")
    assert "Not committed" in deploy("plan")
    release = commit(project.folder)
    lines = [line for line in deploy("plan").splitlines() if not line.startswith("#")]
    assert [
        line.removeprefix(f"env RELEASE={release} docker compose --file deploy/compose.yaml ")
        for line in lines
    ] == [
        "build web-1",
        "up --detach --wait database",
        "run --rm --no-deps migrate",
        "up --detach --no-build --no-deps proxy",
        "exec -T --env UPSTREAMS=web-2:8000 proxy caddy reload --config /etc/caddy/Caddyfile",
        "up --detach --no-build --no-deps --wait web-1",
        "exec -T --env UPSTREAMS=web-1:8000 proxy caddy reload --config /etc/caddy/Caddyfile",
        "up --detach --no-build --no-deps --wait web-2",
        "exec -T proxy caddy reload --config /etc/caddy/Caddyfile",
        "up --detach --no-build --wait --remove-orphans",
    ]


def test_a_target_that_was_not_chosen_is_not_deployed(project: Project) -> None:
    for verb in ("check", "plan", "run", "status"):
        with pytest.raises(CommandError, match="No target was chosen yet"):
            deploy(verb)
    deploy("init", "fly", *DOMAIN, "--no-input")
    deploy("init", "compose", *DOMAIN, "--no-input")
    with pytest.raises(CommandError, match="Name the target: compose, fly"):
        deploy("plan")
    with pytest.raises(CommandError, match="aws was not initialized"):
        deploy("plan", "aws")


def test_secrets_go_by_standard_input_and_are_nowhere_else(
    project: Project, tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(
        "init", "fly", *DOMAIN, "--database", "postgresql", "--no-input", "--secrets", "SENTRY_DSN"
    )
    url = f"postgres://shop:{SECRET}@db.internal:5432/shop"
    type_in(
        monkeypatch,
        f"SECRET_KEY={SECRET}\nDATABASE_URL={url}\n\nSENTRY_DSN=https://{SECRET}@s.example/1\n",
    )
    said = deploy("secrets", "fly", "--run")
    assert SECRET not in said
    assert "Sent SECRET_KEY, DATABASE_URL, SENTRY_DSN." in said
    (asked, sent) = tools.calls
    assert asked["line"] == "fly auth whoami"
    assert sent["line"] == "fly secrets import --stage --app shop"
    assert f'DATABASE_URL="""{url}"""\n' in sent["stdin"]
    for path in project.folder.rglob("*"):
        assert not path.is_file() or SECRET not in path.read_text(errors="replace"), path
    assert releases.sent_secrets(project, "fly") == {"SECRET_KEY", "DATABASE_URL", "SENTRY_DSN"}


def test_secrets_are_only_shown_without_run(project: Project, tools: Tools) -> None:
    deploy("init", "fly", *DOMAIN, "--no-input")
    said = deploy("secrets", "fly")
    assert "These secrets are sent to Fly.io: SECRET_KEY" in said
    assert "fly secrets import --stage --app shop" in said
    assert not tools.calls


def test_new_values_are_made_where_both_sides_get_them_from_us(
    project: Project, tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    monkeypatch.setenv("SECRETS", str(store))
    deploy("init", "compose", *DOMAIN, "--database", "postgresql", "--no-input")
    said = deploy("secrets", "compose", "--run", "--generate")
    assert {path.name for path in store.iterdir()} == {
        *("SECRET_KEY.env", "DATABASE_URL.env", "POSTGRES_PASSWORD.env")
    }
    values = dict(path.read_text().strip().split("=", 1) for path in store.iterdir())
    assert (
        values["DATABASE_URL"]
        == f"postgres://shop:{values['POSTGRES_PASSWORD']}@database:5432/shop"
    )
    assert len(values["SECRET_KEY"]) > 50
    assert {path.stat().st_mode & 0o777 for path in store.iterdir()} == {0o600}
    assert not [value for value in values.values() if value in said]


def test_values_that_are_in_use_are_not_made_again(
    project: Project, tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    monkeypatch.setenv("SECRETS", str(store))
    deploy("init", "compose", *DOMAIN, "--database", "postgresql", "--no-input")
    deploy("secrets", "compose", "--run", "--generate")
    before = {path.name: path.read_text() for path in store.iterdir()}
    assert "was sent" in deploy("secrets", "compose", "--run", "--generate")
    with pytest.raises(CommandError, match=r"DATABASE_URL was sent, and its server"):
        deploy("secrets", "compose", "DATABASE_URL", "--run", "--generate")
    assert {path.name: path.read_text() for path in store.iterdir()} == before
    deploy("secrets", "compose", "SECRET_KEY", "--run", "--generate")
    after = {path.name: path.read_text() for path in store.iterdir()}
    assert [name for name in after if after[name] != before[name]] == ["SECRET_KEY.env"]
    # Another clone on the machine does not know what was sent; the files are there.
    subprocess.run(
        ["git", "config", "--local", "--unset", "matt-deploy.compose"],
        cwd=project.folder,
        check=True,
    )
    assert not releases.sent_secrets(project, "compose")
    assert "was sent" in deploy("secrets", "compose", "--run", "--generate")
    assert {path.name: path.read_text() for path in store.iterdir()} == after


def test_secrets_of_digitalocean_make_the_app_and_are_kept(
    project: Project, tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = ("digitalocean", "--registry", "acme", "--database", "postgresql")
    deploy("init", *target, *DOMAIN, "--no-input")
    with pytest.raises(CommandError, match="The ID of the app is not known"):
        deploy("plan")
    type_in(monkeypatch, f"SECRET_KEY={SECRET}\n")
    deploy("secrets", "digitalocean", "--run")
    made = tools.calls[-1]
    assert made["line"] == "doctl apps create --spec -"
    spec = json.loads(made["stdin"])
    assert {"key": "SECRET_KEY", "scope": "RUN_TIME", "type": "SECRET", "value": SECRET} in spec[
        "envs"
    ]
    # What the platform has is kept, with the values that it has encrypted.
    app = "0a1b2c3d-1111-2222-3333-0a1b2c3d4e5f"
    deploy("init", *target, "--app-id", app, "--no-input")
    release = commit(project.folder)
    now = {
        "name": "shop",
        "envs": [
            {"key": key, "type": "SECRET", "value": f"EV[1:{key}]"}
            for key in ("SECRET_KEY", "SENTRY_DSN")
        ],
    }
    tools.answer({f"doctl apps spec get {app}": {"stdout": json.dumps(now)}})
    releases.run(
        project,
        matt_deploy.find_target("digitalocean").commands(
            project, matt_deploy.Command()._choose(project, "digitalocean")[1], "run", release
        ),
        lambda _: None,
    )
    lines = [call["line"] for call in tools.calls[-5:]]
    image = f"registry.digitalocean.com/acme/shop:{release}"
    assert lines == [
        "doctl registry login --expiry-seconds 3600",
        f"docker build --platform linux/amd64 --file deploy/Dockerfile --build-arg RELEASE={release} --tag {image} .",
        f"docker push {image}",
        f"doctl apps spec get {app}",
        f"doctl apps update {app} --spec - --wait",
    ]
    spec = json.loads(tools.calls[-1]["stdin"])
    values = {
        each["key"]: each.get("value") for each in spec["envs"] if each.get("type") == "SECRET"
    }
    assert values == {"SECRET_KEY": "EV[1:SECRET_KEY]", "SENTRY_DSN": "EV[1:SENTRY_DSN]"}
    parts = [*spec["services"], *spec.get("workers", []), *spec["jobs"]]
    assert {part["image"]["tag"] for part in parts} == {release}


def test_secrets_of_aws_are_added_to_those_that_it_has(
    project: Project, tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = (
        "--account",
        "123456789012",
        "--vpc",
        "vpc-0a1b2c3d",
        "--subnets",
        "subnet-0a1b2c3d,subnet-1a1b2c3d",
    )
    deploy(
        "init",
        "aws",
        *DOMAIN,
        *aws,
        "--database",
        "postgresql",
        "--secrets",
        "SENTRY_DSN",
        "--no-input",
    )
    tools.answer({"aws secretsmanager get-secret-value": {"stdout": '{"SECRET_KEY": "theirs"}\n'}})
    type_in(monkeypatch, f"SENTRY_DSN={SECRET}\n")
    deploy("secrets", "aws", "--run")
    sent = tools.calls[-1]
    assert sent["line"].startswith(
        "aws secretsmanager put-secret-value --secret-id shop/site --secret-string file:///dev/stdin"
    )
    assert json.loads(sent["stdin"]) == {"SECRET_KEY": "theirs", "SENTRY_DSN": SECRET}
    with pytest.raises(CommandError, match="CloudFormation makes DATABASE_URL"):
        deploy("secrets", "aws", "DATABASE_URL")
    # The password of the registry goes by standard input too.
    release = commit(project.folder)
    tools.answer({"aws ecr get-login-password": {"stdout": SECRET}})
    steps = matt_deploy.find_target("aws").commands(
        project, matt_deploy.Command()._choose(project, "aws")[1], "run", release
    )
    releases.run(project, steps[:4], lambda _: None)
    login = next(call for call in tools.calls if call["line"].startswith("docker login"))
    assert (login["line"], login["stdin"]) == (
        "docker login --username AWS --password-stdin 123456789012.dkr.ecr.eu-central-1.amazonaws.com",
        SECRET,
    )


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (f"SECRET_KEY=one\n{SECRET}\n", "Line 2 of the standard input is not NAME=value"),
        ("SECRET_KEY=\n", "The value of SECRET_KEY is empty"),
        ("SECRET_KEY=a\tb\n", "has a control character"),
        ("SECRET_KEY= a\n", "begins or ends with a space"),
        ('SECRET_KEY=a"b\n', 'has a "'),
        ("", "The standard input has no SECRET_KEY. Nothing was sent"),
        ("SECRETKEY=a\n", "is not NAME=value for one of SECRET_KEY"),
    ],
)
def test_a_value_that_would_be_changed_is_refused_and_not_shown(
    project: Project, tools: Tools, monkeypatch: pytest.MonkeyPatch, typed: str, message: str
) -> None:
    deploy("init", "fly", *DOMAIN, "--no-input")
    type_in(monkeypatch, typed)
    with pytest.raises(CommandError) as error:
        deploy("secrets", "fly", "--run")
    assert message in str(error.value)
    assert SECRET not in str(error.value)
    assert [call["line"] for call in tools.calls] == ["fly auth whoami"]
    assert not releases.sent_secrets(project, "fly")


def test_a_secret_with_a_line_break_is_refused(project: Project) -> None:
    with pytest.raises(Exception, match="The value of KEY has a line break"):
        releases.check_value("KEY", "-----BEGIN\nabc")


def test_a_name_that_is_no_secret_is_refused(project: Project, tools: Tools) -> None:
    deploy("init", "fly", *DOMAIN, "--no-input")
    with pytest.raises(
        CommandError,
        match=r"SECRET_KEI is not a secret variable of the project. Did you mean 'SECRET_KEY'",
    ):
        deploy("secrets", "fly", "SECRET_KEI", "--run")
    with pytest.raises(
        CommandError, match="DATABASE_URL is an ordinary variable in the files of fly"
    ):
        deploy("secrets", "DATABASE_URL", "--run")
    assert not tools.calls


def test_a_missing_tool_is_named_with_where_it_comes_from(
    project: Project, tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy("init", "fly", *DOMAIN, "--no-input")
    (tools.folder / "fly").unlink()
    with pytest.raises(
        CommandError,
        match=r"(?s)fly is not installed. Install it from https://fly.io/\S+, then\s+fly auth login",
    ):
        deploy("secrets", "fly", "--run", "--generate")
    commit(project.folder)
    with pytest.raises(CommandError, match="fly is not installed"):
        deploy("run", "fly", "--no-input")


def test_who_is_not_signed_in_is_told_what_to_type(project: Project, tools: Tools) -> None:
    deploy("init", "fly", *DOMAIN, "--no-input")
    tools.answer({"fly auth whoami": {"code": 1, "stderr": "Error: no access token available"}})
    commit(project.folder)
    for command in (
        ("run", "--no-input"),
        ("secrets", "fly", "--run", "--generate"),
        ("status", "--run"),
    ):
        with pytest.raises(
            CommandError,
            match=r"(?s)You are not signed in: `fly auth whoami` fails.*fly auth login",
        ):
            deploy(*command)
    assert {call["line"] for call in tools.calls} == {"fly auth whoami"}


def test_a_release_is_a_commit(project: Project, tools: Tools) -> None:
    deploy("init", "fly", *DOMAIN, "--no-input")
    with pytest.raises(
        CommandError, match=r"(?s)Not committed: .*A release is a commit.*git commit"
    ):
        deploy("run", "--no-input")
    assert not tools.calls


def test_a_rollback_takes_the_image_of_before(project: Project, tools: Tools) -> None:
    deploy("init", "fly", *DOMAIN, "--no-input")
    with pytest.raises(CommandError, match="This clone knows of no release before"):
        deploy("rollback")
    first = commit(project.folder)
    releases.record(project, "fly", first)
    second = commit(project.folder)
    releases.record(project, "fly", second)
    assert f"--image registry.fly.io/shop:{first}" in deploy("rollback")
    assert not tools.calls
    said = deploy("rollback", "--run")
    assert (
        tools.calls[-1]["line"]
        == f"fly deploy --config fly.toml --app shop --yes --image registry.fly.io/shop:{first}"
    )
    assert "migrations are not undone" in said
    assert f"Last release of this clone: {first}" in deploy("status")
    with pytest.raises(CommandError, match="There is no revision 'nothing'"):
        deploy("rollback", "--to", "nothing")


def test_a_step_that_fails_ends_the_release(project: Project, tools: Tools) -> None:
    deploy("init", "compose", *DOMAIN, "--no-input")
    release = commit(project.folder)
    target = matt_deploy.find_target("compose")
    steps = target.commands(
        project, matt_deploy.Command()._choose(project, "compose")[1], "run", release
    )
    tools.answer(
        {"docker compose --file deploy/compose.yaml run --rm --no-deps migrate": {"code": 3}}
    )
    with pytest.raises(
        Exception,
        match=r"Step 2 of 9 failed \(Migrate\), with exit code 3. The steps before it are done",
    ):
        releases.run(project, steps, lambda _: None)
    assert len(tools.calls) == 2
    assert not releases.current(project, "compose")


def test_an_interruption_names_the_step(project: Project, tools: Tools) -> None:
    deploy("init", "fly", *DOMAIN, "--database", "postgresql", "--no-input")
    release = commit(project.folder)
    releases.record(project, "fly", release)
    commit(project.folder)
    releases.record(project, "fly", releases.resolve(project, "HEAD"))
    tools.answer({"fly deploy": {"interrupts": True}})
    with pytest.raises(
        CommandError, match=r"Interrupted in step 1 of 1 .* matt deploy status --run"
    ):
        deploy("rollback", "--run")
    assert releases.previous(project, "fly") == release
