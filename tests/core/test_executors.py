"""Executors: each gives the same rows and the same restored files as local processes.

Slurm is replaced by scripts that record what is submitted; Ray is a real cluster on this machine.
"""

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dill
import pytest
from typer.testing import CliRunner
from unspin.cli.app import app
from unspin.config import ConfigError
from unspin.data.build import build
from unspin.data.config import BuildConfig
from unspin.executors import Call, ExecutorError, Local, Ray, Slurm, Stage, load_executor, run

SBATCH = """#!/bin/sh
number=$(ls {folder} | grep -c script)
for last; do :; done
cat "$last" > {folder}/script-$number
echo "$@" > {folder}/arguments-$number
echo "Submitted batch job $((1000 + number))"
"""


def _config(corpus: Path, output: Path, **keys: object) -> BuildConfig:
    source = {"kind": "folder", "name": "towns", "path": str(corpus), "licence": "ours"}
    fields = {
        "output": output,
        "holdout_share": 0.25,
        "variants": 1,
        "tasks": 2,
        "workers": 2,
        "spinners": {"phrases": 1},
        "sources": [source],
        **keys,
    }
    return BuildConfig.model_validate(fields)


def _digests(folder: Path) -> dict[str, str]:
    return {
        str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest()
        for f in sorted(folder.rglob("*.parquet"))
    }


def _script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of what is submitted to a fake Slurm cluster."""
    submitted, programs = tmp_path / "submitted", tmp_path / "programs"
    for folder in (submitted, programs):
        folder.mkdir()
    _script(programs / "sbatch", SBATCH.format(folder=submitted))
    _script(programs / "scontrol", "#!/bin/sh\necho localhost\n")
    _script(programs / "srun", '#!/bin/sh\nwhile [ "$1" != launch_pickled_pipeline ]; do shift; done\nexec "$@"\n')
    monkeypatch.setenv("PATH", os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]]))
    monkeypatch.setenv("SLURM_NODELIST", "localhost")
    return submitted


@pytest.fixture(scope="module")
def ray_cluster() -> Iterator[None]:
    """A Ray cluster of two workers on this machine."""
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


def test_slurm_gets_a_chain_of_job_arrays_that_produce_the_same_rows(corpus: Path, slurm: Path, tmp_path: Path) -> None:
    build(_config(corpus, tmp_path / "local"), "test")
    settings = Slurm(
        kind="slurm", partition="cpu", time="00:30:00", activate="source /opt/venv", arguments={"account": "words"}
    )
    build(_config(corpus, tmp_path / "cluster", executor=settings), "test")
    assert not (tmp_path / "cluster").exists()
    scripts = [file.read_text() for file in sorted(slurm.glob("script-*"))]
    arguments = [file.read_text() for file in sorted(slurm.glob("arguments-*"))]
    stages = ["reading", "hashing", "comparing", "grouping", "indexing", "merging", "spinning", "finishing"]
    assert [re.search(r"--job-name=unspin-(\S+)", script)[1] for script in scripts] == stages  # type: ignore[index]
    assert [int(re.search(r"--array=0-(\d+)", script)[1]) + 1 for script in scripts] == [2, 2, 14, 1, 2, 1, 2, 1]  # type: ignore[index]
    for script in scripts:
        assert {"--partition=cpu", "--time=00:30:00", "--account=words", "--mem-per-cpu=4G"} <= set(
            re.findall(r"#SBATCH (\S+)", script)
        )
        assert "\nsource /opt/venv\n" in script
    assert "afterok" not in arguments[0]
    assert all(f"--dependency=afterok:{1000 + i}" in text for i, text in enumerate(arguments[1:]))

    first = scripts[0].replace("source /opt/venv\n", "")  # one job as the cluster runs it, the others in this process
    subprocess.run(
        ["bash", "-c", first], env={**os.environ, "SLURM_ARRAY_TASK_ID": "0"}, check=True, capture_output=True
    )
    assert (tmp_path / "cluster.log" / "reading" / "completions" / "00000").is_file()
    for stage in stages:
        job = dill.loads((tmp_path / "cluster.log" / stage / "executor.pik").read_bytes())
        for rank in range(job.tasks):
            job._run_for_rank(rank)
    assert _digests(tmp_path / "cluster") == _digests(tmp_path / "local") != {}
    assert not (tmp_path / "cluster.partial").exists()


def test_a_missing_sbatch_is_named(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ExecutorError, match="sbatch could not be run"):
        build(_config(corpus, tmp_path / "out", executor=Slurm(kind="slurm", partition="cpu")), "test")


def test_ray_produces_the_same_rows(corpus: Path, tmp_path: Path, ray_cluster: None) -> None:
    build(_config(corpus, tmp_path / "local"), "test")
    build(_config(corpus, tmp_path / "cluster", executor=Ray(kind="ray", memory=0.2)), "test")
    assert _digests(tmp_path / "cluster") == _digests(tmp_path / "local") != {}


@pytest.mark.parametrize("kind", ["local", "ray"])
def test_an_executor_restores_a_folder_and_later_only_what_is_missing(
    kind: str, corpus: Path, tiny_adapter: Path, tmp_path: Path, ray_cluster: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    settings = tmp_path / "executor.yaml"
    settings.write_text(f"executor: {{kind: {kind}}}\n" if kind == "local" else "executor: {kind: ray, memory: 0.2}\n")
    articles = sorted(corpus.glob("*.txt"))[:4]
    common = [*map(str, articles), "--checkpoint", str(tiny_adapter), "--min-confidence", "0"]
    run = CliRunner().invoke
    assert run(app, ["restore", *common, "--output", str(tmp_path / "local")]).exit_code == 0
    on_executor = [
        "restore",
        *common,
        "--output",
        str(tmp_path / "cluster"),
        "--executor",
        str(settings),
        "--jobs",
        "2",
    ]
    assert run(app, on_executor, catch_exceptions=False).exit_code == 0
    expected = {article.name: (tmp_path / "local" / article.name).read_bytes() for article in articles}
    assert {file.name: file.read_bytes() for file in (tmp_path / "cluster").glob("*.txt")} == expected
    (tmp_path / "cluster" / articles[0].name).unlink()
    (tmp_path / "cluster" / articles[1].name).write_text("kept")
    assert run(app, on_executor, catch_exceptions=False).exit_code == 0
    assert (tmp_path / "cluster" / articles[0].name).read_bytes() == expected[articles[0].name]
    assert (tmp_path / "cluster" / articles[1].name).read_text() == "kept"


def test_a_key_missing_from_an_executor_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "executor.yaml"
    file.write_text("executor: {kind: slurm}\n")
    with pytest.raises(ConfigError, match="partition"):
        load_executor(file)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("!!python/object/apply:os.getcwd []", "could not determine a constructor"),
        ("!!set {kind, local}", "expected keys and values|Unable to extract|valid dictionary"),
        ("!!omap [kind: local]", "valid dictionary"),
        ("!!binary x", "not YAML"),
        ("local", "valid dictionary"),
        ("{kind: [local]}", "kind|tag"),
        ("{kind: " + "x" * 100_000 + "}", "Input tag 'xxx"),
        ("{kind: ray, memory: !!set {1}}", "executor.memory: "),
        ("{kind: slurm, partition: !!binary /w==}", "executor.partition: "),
        ("{kind: slurm, partition: p, arguments: [account]}", "executor.arguments: "),
        ('{kind: slurm, partition: p, activate: "\\0"}', "executor.activate: .*null character"),
    ],
)
def test_an_odd_executor_file_is_refused(text: str, complaint: str, tmp_path: Path) -> None:
    file = tmp_path / "executor.yaml"
    file.write_text(f"executor: {text}\n")
    with pytest.raises(ConfigError, match=complaint) as error:
        load_executor(file)
    assert "\n" not in str(error.value) and len(str(error.value)) < 2000


@pytest.mark.parametrize("name", ["ray", "slurm"])
def test_shipped_executor_files_are_valid(name: str) -> None:
    assert load_executor(Path(f"configs/executors/{name}.yaml")).kind == name


def test_a_killed_worker_raises_an_error_instead_of_blocking(tmp_path: Path) -> None:
    stages = [Stage("dying", [Call(lambda: os.kill(os.getpid(), 9))], 3)]
    with pytest.raises(ExecutorError, match="a worker was killed, perhaps for lack of memory; run the same command"):
        run(stages, tmp_path, 2, Local(kind="local"))


def test_finished_tasks_are_skipped_unless_the_stage_runs_again(tmp_path: Path) -> None:
    calls = tmp_path / "calls"

    def record() -> None:
        with calls.open("a") as file:
            file.write("x")

    for _ in range(2):
        run([Stage("once", [Call(record)], 2)], tmp_path / "log", 1, Local())
    assert calls.read_text() == "xx"
    run([Stage("once", [Call(record)], 2, ignore_completions=True)], tmp_path / "log", 1, Local())
    assert calls.read_text() == "xxxx"
