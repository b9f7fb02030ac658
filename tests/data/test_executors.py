"""The same rows and the same restored files under each of datatrove's executors. Slurm is a few scripts that note what they are asked."""

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
from unspin.data.blocks import Call
from unspin.data.build import BuildConfig, build
from unspin.data.config import ConfigError
from unspin.data.executors import ExecutorError, Local, Ray, Slurm, Stage, load_executor, run

SBATCH = """#!/bin/sh
number=$(ls {folder} | grep -c script)
for last; do :; done
cat "$last" > {folder}/script-$number
echo "$@" > {folder}/arguments-$number
echo "Submitted batch job $((1000 + number))"
"""


def _config(corpus: Path, output: Path, **keys: object) -> BuildConfig:
    source = {"kind": "folder", "name": "towns", "path": str(corpus), "licence": "ours"}
    fields = {"output": output, "held_back": 0.25, "variants": 1, "tasks": 2, "workers": 2, "engines": {"phrases": 1}, "sources": [source], **keys}
    return BuildConfig.model_validate(fields)


def _digests(folder: Path) -> dict[str, str]:
    return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(folder.rglob("*.parquet"))}


def _script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of what was submitted to a cluster that is none."""
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


def test_slurm_gets_a_chain_of_job_arrays_that_make_the_same_rows(corpus: Path, slurm: Path, tmp_path: Path) -> None:
    build(_config(corpus, tmp_path / "here"), "test")
    settings = Slurm(kind="slurm", partition="cpu", time="00:30:00", activate="source /opt/venv", arguments={"account": "words"})
    build(_config(corpus, tmp_path / "there", executor=settings), "test")
    assert not (tmp_path / "there").exists()
    scripts = [file.read_text() for file in sorted(slurm.glob("script-*"))]
    arguments = [file.read_text() for file in sorted(slurm.glob("arguments-*"))]
    stages = ["reading", "hashing", "comparing", "grouping", "holding-back", "spinning", "finishing"]
    assert [re.search(r"--job-name=unspin-(\S+)", script)[1] for script in scripts] == stages  # type: ignore[index]
    assert [int(re.search(r"--array=0-(\d+)", script)[1]) + 1 for script in scripts] == [2, 2, 14, 1, 2, 2, 1]  # type: ignore[index]
    for script in scripts:
        assert {"--partition=cpu", "--time=00:30:00", "--account=words", "--mem-per-cpu=4G"} <= set(re.findall(r"#SBATCH (\S+)", script))
        assert "\nsource /opt/venv\n" in script
    assert "afterok" not in arguments[0]
    assert all(f"--dependency=afterok:{1000 + i}" in text for i, text in enumerate(arguments[1:]))

    first = scripts[0].replace("source /opt/venv\n", "")  # one job as the cluster runs it, the others in this process
    subprocess.run(["bash", "-c", first], env={**os.environ, "SLURM_ARRAY_TASK_ID": "0"}, check=True, capture_output=True)
    assert (tmp_path / "there.log" / "reading" / "completions" / "00000").is_file()
    for stage in stages:
        job = dill.loads((tmp_path / "there.log" / stage / "executor.pik").read_bytes())
        for rank in range(job.tasks):
            job._run_for_rank(rank)
    assert _digests(tmp_path / "there") == _digests(tmp_path / "here") != {}
    assert not (tmp_path / "there.partial").exists()


def test_without_slurm_nothing_is_lost(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ExecutorError, match="sbatch could not be run"):
        build(_config(corpus, tmp_path / "out", executor=Slurm(kind="slurm", partition="cpu")), "test")


def test_ray_makes_the_same_rows(corpus: Path, tmp_path: Path, ray_cluster: None) -> None:
    build(_config(corpus, tmp_path / "here"), "test")
    build(_config(corpus, tmp_path / "there", executor=Ray(kind="ray", memory=0.2)), "test")
    assert _digests(tmp_path / "there") == _digests(tmp_path / "here") != {}


@pytest.mark.parametrize("kind", ["local", "ray"])
def test_a_folder_is_restored_on_an_executor_and_what_is_missing_again(
    kind: str, corpus: Path, tiny_adapter: Path, tmp_path: Path, ray_cluster: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    settings = tmp_path / "executor.yaml"
    settings.write_text(f"executor: {{kind: {kind}}}\n" if kind == "local" else "executor: {kind: ray, memory: 0.2}\n")
    articles = sorted(corpus.glob("*.txt"))[:4]
    common = [*map(str, articles), "--checkpoint", str(tiny_adapter), "--min-confidence", "0"]
    run = CliRunner().invoke
    assert run(app, ["restore", *common, "--output", str(tmp_path / "here")]).exit_code == 0
    there = ["restore", *common, "--output", str(tmp_path / "there"), "--executor", str(settings), "--jobs", "2"]
    assert run(app, there, catch_exceptions=False).exit_code == 0
    expected = {article.name: (tmp_path / "here" / article.name).read_bytes() for article in articles}
    assert {file.name: file.read_bytes() for file in (tmp_path / "there").glob("*.txt")} == expected
    (tmp_path / "there" / articles[0].name).unlink()
    (tmp_path / "there" / articles[1].name).write_text("kept")
    assert run(app, there, catch_exceptions=False).exit_code == 0
    assert (tmp_path / "there" / articles[0].name).read_bytes() == expected[articles[0].name]
    assert (tmp_path / "there" / articles[1].name).read_text() == "kept"


def test_what_an_executor_file_lacks_is_named(tmp_path: Path) -> None:
    file = tmp_path / "executor.yaml"
    file.write_text("executor: {kind: slurm}\n")
    with pytest.raises(ConfigError, match="partition"):
        load_executor(file)


@pytest.mark.parametrize("name", ["ray", "slurm"])
def test_the_shipped_executors_are_sound(name: str) -> None:
    assert load_executor(Path(f"configs/executors/{name}.yaml")).kind == name


def test_a_killed_worker_is_an_error_and_no_wait_without_end(tmp_path: Path) -> None:
    stages = [Stage("fall", [Call(lambda: os.kill(os.getpid(), 9))], 3)]
    with pytest.raises(ExecutorError, match="a worker was killed, perhaps for want of memory; run the same command again"):
        run(stages, tmp_path, 2, Local(kind="local"))
