"""The documentation says what is so: pages that follow from the code are up to date, commands are ones that exist, Python runs."""

import importlib.util
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import pytest
from typer.testing import CliRunner
from unspin.cli.app import app
from unspin.data.executors import load_executor
from unspin.data.stores import place
from unspin.infer.checkpoint import Checkpoint
from unspin.infer.restorer import Restorer
from unspin.train.calibrate import CalibrationError

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
SHOWN = sorted(
    {
        (page.name, re.split(r"\s{2,}#|\s+[>|]\s", line.strip().strip("`"))[0])
        for page in PAGES
        for line in re.findall(r"^(?: {4}|`(?=[^`]*`$))(?:cat \S+ \| )?(unspin [a-z].*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    }
)


def _generate() -> Any:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_pages_are_up_to_date() -> None:
    generate = _generate()
    pages = {"configuration.md": generate.configuration(), **{f"commands/{name}.md": page for name, page in generate.commands().items()}}
    for name, page in pages.items():
        assert (ROOT / "docs" / name).read_text(encoding="utf-8") == page, f"{name}: run python docs/generate.py"


@pytest.fixture(scope="module")
def workshop(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which the shown commands find what their pages speak of, with a tiny model in place of the default one."""
    folder = tmp_path_factory.mktemp("workshop")
    for name in ("configs", "data", "infer"):
        (folder / name).symlink_to(ROOT / name)
    samples = ROOT / "data" / "samples"
    shutil.copy(samples / "ferry.spun.txt", folder / "article.txt")
    (folder / "pairs.tsv").write_text("tool\tspun\toriginal\nsome\tThe warfare had ended.\tThe war had ended.\n")
    (folder / "PHRASES").write_text("waterway triangle\triver delta\n")
    for name in ("crawl", "shards"):
        (folder / name).mkdir()
        shutil.copy(samples / "ferry.spun.txt", folder / name)
    datasets.Dataset.from_dict({"text": ["The warfare had ended."]}).to_parquet(folder / "shards" / "0.parquet")
    shutil.copytree(tiny_base, folder / "cache" / "unspin" / "gemma-3-270m")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        patch.setattr("unspin.data.build.CACHE", folder / "cache")
        patch.chdir(folder)
        for name in ("default", "quickstart"):
            _run("build", "configs/data/quickstart.yaml", f"output=build/data/{name}", *SMALL["build"])
        _run("train", "configs/train/default.yaml", *SMALL["train"])
        for name in ("november/a.txt", "november/b.html"):
            place(f"memory://crawl/{name}").write_bytes((samples / "ferry.spun.txt").read_bytes())
        for file in Path("build/runs/default/adapter").iterdir():
            place(f"memory://models/adapter/{file.name}").write_bytes(file.read_bytes())
        checkpoint = Checkpoint.open("build/runs/default/adapter")
        opened = Checkpoint.open
        patch.setattr(Checkpoint, "open", staticmethod(lambda name: checkpoint if name == "default" else opened(name)))
        patch.setattr("uvicorn.Server.run", lambda self, sockets: [listening.close() for listening in sockets])
        yield folder


SMALL = {
    "build": (f"sources=[{{kind: folder, name: towns, path: {ROOT}/data/articles/local, licence: ours}}]", "held_back=0.35", "variants=1", "sample=1",
              "workers=1", "tasks=2"),
    "train": ("backbone=default", "data=build/data/default", "steps=2", "warmup_steps=0", "save_every=2", "tokens_per_batch=1024", "longest=512",
              "compile=false", "loggers=[]", "evaluate_every=0", "patience=0"),
    "calibrate": ("suites=[{kind: data, name: towns, data: build/data/default, split: validation}]", "unseen=[towns]", "limit=4"),
    "evaluate": ("suites=[{kind: items, name: references, path: data/benchmark/references.jsonl}]", "systems=[unspin, copy the input]", "limit=4",
                 "checkpoint=build/runs/default/adapter"),  # its worker process knows nothing of the tiny default
}  # fmt: skip


def _run(name: str, *arguments: str, stdin: str | None = None) -> None:
    result = CliRunner().invoke(app, [name, *arguments], input=stdin)
    if isinstance(result.exception, CalibrationError):  # a tiny model may only copy; tests/train/test_calibrate.py has the figures
        return
    assert result.exit_code == 0, (result.output, result.exception)


@pytest.mark.parametrize("line", sorted({line for _, line in SHOWN}))
def test_a_shown_command_runs(line: str, workshop: Path) -> None:
    """In small: on a few articles, with two steps of training; this process's memory is the object store. Clusters and S3 have tests of their own."""
    written = [word.replace("s3://", "memory://") for word in shlex.split(line)[1:]]
    name, *arguments = (part for word in written for part in (sorted(map(str, Path().glob(word))) if "*" in word and "://" not in word else [word]))
    fresh = workshop / "build" / "fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    small = SMALL.get(name, ())
    if name == "evaluate" or (name in ("build", "train") and any(word.startswith("configs/") for word in arguments)):
        small = (*small, f"output={fresh}")
    if "--executor" in arguments:
        place = arguments.index("--executor")
        load_executor(Path(arguments[place + 1]))
        del arguments[place : place + 2]
    if "--jobs" in arguments:
        arguments[arguments.index("--jobs") + 1] = "1"
    if name == "serve":
        arguments = ["--port", "0"]
    if "--stats" in arguments or "--plot" in arguments:
        small = ()
    shutil.rmtree("build/export", ignore_errors=True)
    _run(name, *arguments, *small, stdin="The warfare had ended." if arguments[:1] == ["-"] else None)


@pytest.mark.parametrize("page", [page for page in PAGES if "```python" in page.read_text(encoding="utf-8")], ids=lambda page: page.name)
def test_python_on_a_page_runs(page: Path, tiny_adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unspin.infer.checkpoint.cache_folder", lambda: tmp_path / "cache")
    real = Restorer.from_pretrained.__func__  # type: ignore[attr-defined]
    monkeypatch.setattr(Restorer, "from_pretrained", classmethod(lambda cls, name, **options: real(cls, str(tiny_adapter), **options)))
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(block, page.name, "exec"), names)


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        prose = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", prose):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
