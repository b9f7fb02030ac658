"""The documentation is true.

Generated pages are up to date; shown commands, configs, modules and Python work; named paths, targets and links exist.
"""

import importlib
import importlib.util
import re
import runpy
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import datasets
import pytest
from typer.testing import CliRunner
from unspin.cli.app import app
from unspin.config import Config, load_config
from unspin.data.config import BuildConfig
from unspin.data.spinners.persona import Persona
from unspin.data.spinners.protocol import Sentence
from unspin.data.spinners.registry import GROUP
from unspin.edits import Edit
from unspin.evaluation.calibrate import CalibrationError
from unspin.evaluation.config import CalibrateConfig, EvalConfig
from unspin.evaluation.detection import DetectionConfig
from unspin.evaluation.systems.base import SystemSettings
from unspin.executors import load_executor
from unspin.infer.documents.formats import FORMATS
from unspin.infer.restorer import Restorer
from unspin.storage import to_path
from unspin.train.config import SelfTrainConfig, TrainConfig
from unspin.train.self_train import SelfTrainError

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "infer/adapter/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
TEXTS = {page: page.read_text(encoding="utf-8") for page in PAGES}
CONFIG_CLASSES: dict[str, type[Config]] = {
    "data": BuildConfig,
    "train": TrainConfig,
    "eval": EvalConfig,
    "calibrate": CalibrateConfig,
    "self-train": SelfTrainConfig,
    "detect": DetectionConfig,
}


def _blocks(language: str) -> dict[str, str]:
    """The fenced blocks of a language, by page and number."""
    return {
        f"{page.name}-{number}": block
        for page, text in TEXTS.items()
        for number, block in enumerate(re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL), 1)
    }


def _code(text: str) -> set[str]:
    """The code spans and the lines of indented blocks of a page."""
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    lines = {re.split(r"\s{2,}#", line)[0] for line in re.findall(r"^ {4}(?! )(.+)$", prose, re.MULTILINE)}
    return lines | set(re.findall(r"`([^`\n]+)`", prose))


CODE = {code for text in TEXTS.values() for code in _code(text)}
COMMANDS = sorted(
    {
        re.split(r"\s{2,}#|\s+[>|]\s", line.strip().strip("`"))[0]
        for text in TEXTS.values()
        for line in re.findall(r"^(?: {4}|`(?=[^`]*`$))(?:cat \S+ \| )?(unspin [a-z].*)$", text, re.MULTILINE)
    }
)
MODULES = sorted(code for code in CODE if re.match(r"(python|accelerate launch .*) -m [a-z]", code))
CONFIGS = _blocks("yaml")


def _generator() -> Any:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_pages_are_up_to_date() -> None:
    generator = _generator()
    pages = {
        "configuration.md": generator.configuration_page(),
        **{f"commands/{name}.md": page for name, page in generator.command_pages().items()},
    }
    outdated = [name for name, page in pages.items() if (ROOT / "docs" / name).read_text(encoding="utf-8") != page]
    assert not outdated, "run python docs/generate.py"


def test_the_pages_have_what_these_tests_look_for() -> None:
    """So that a change of layout cannot silently leave nothing to test."""
    assert len(COMMANDS) > 40
    assert len(MODULES) > 8
    assert len(CONFIGS) >= 2
    assert len(_blocks("python")) > 10
    assert len(SCRIPTS) >= 2


def _write_configs(folder: Path) -> dict[str, Path]:
    """Copy configs/ into a folder and add the configs shown on pages, each where its first line says."""
    shutil.copytree(ROOT / "configs", folder / "configs")
    files = {}
    for name, block in CONFIGS.items():
        place = re.match(r"# (configs/([\w-]+)/[\w-]+\.yaml)\n", block)
        assert place, f"{name}: open the block with the path of its file, such as # configs/data/mine.yaml"
        files[name] = folder / place[1]
        files[name].write_text(block, encoding="utf-8")
    return files


@pytest.mark.parametrize("name", CONFIGS)
def test_a_shown_config_is_valid(name: str, tmp_path: Path) -> None:
    file = _write_configs(tmp_path)[name]
    config: Any = load_config(file, CONFIG_CLASSES[file.parent.name])
    assert config.output.is_relative_to(tmp_path / "runs"), "a path in a config file is relative to that file"


@pytest.fixture(scope="module")
def clone(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder like a clone, with the files that shown commands name, and a tiny model as the default one."""
    folder = tmp_path_factory.mktemp("clone")
    for name in ("data", "infer"):
        (folder / name).symlink_to(ROOT / name)
    _write_configs(folder)
    samples = ROOT / "data" / "samples"
    shutil.copy(samples / "ferry.spun.txt", folder / "article.txt")
    for name in ("pairs.tsv", "real.tsv"):
        (folder / name).write_text("tool\tspun\toriginal\nsome\tThe warfare had ended.\tThe war had ended.\n")
    (folder / "PHRASES").write_text("waterway triangle\triver delta\n")
    (folder / "phrases.tsv").write_text("waterway triangle\triver delta\n")
    (folder / "names.txt").write_text("Haven Ellery\n")
    (folder / "spun").mkdir()
    shutil.copy(samples / "ferry.spun.txt", folder / "spun")
    for name in ("crawl", "papers", "shards"):
        (folder / name).mkdir()
        shutil.copy(samples / "ferry.spun.txt", folder / name)
    datasets.Dataset.from_dict({"text": ["The warfare had ended."]}).to_parquet(folder / "shards" / "0.parquet")
    shutil.copytree(tiny_base, folder / "cache" / "unspin" / "gemma-3-270m")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        patch.setattr("unspin.data.build.CACHE", folder / "cache")
        patch.chdir(folder)
        for name in ("default", "quickstart"):
            _run("build", "configs/data/quickstart.yaml", f"output=runs/data/{name}", *SMALL["build"])
        _run("train", "configs/train/default.yaml", *SMALL["train"])
        (folder / "runs" / "data" / "own-articles").symlink_to("default")
        for name in ("train/adapt", "train/own-articles", "self-train/round-1/run"):
            (folder / "runs" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "runs" / name).symlink_to(folder / "runs" / "train" / "default")
        for name in ("november/a.txt", "november/b.html"):
            to_path(f"memory://crawl/{name}").write_bytes((samples / "ferry.spun.txt").read_bytes())
        for file in Path("runs/train/default/adapter").iterdir():
            to_path(f"memory://models/adapter/{file.name}").write_bytes(file.read_bytes())
        patch.setattr("unspin.infer.models.checkpoint.files", lambda _: folder / "runs" / "train" / "default")
        patch.setattr("uvicorn.Server.run", lambda self, sockets: [listening.close() for listening in sockets])
        yield folder


TOWNS = f"sources=[{{kind: folder, name: towns, path: {ROOT}/data/articles/local, licence: ours}}]"
SMALL = {
    "build": (TOWNS, "holdout_share=0.35", "variants=1", "sample=1", "workers=1", "tasks=2"),
    "train": (
        *("backbone=default", "data=runs/data/default", "max_steps=2", "warmup_steps=0", "save_steps=2"),
        *("tokens_per_batch=1024", "max_tokens=512", "torch_compile=false", "report_to=[]"),
        *("eval_steps=0", "early_stopping_patience=0"),
    ),
    "calibrate": (
        "suites=[{kind: data, name: towns, data: runs/data/default, split: validation}]",
        *("unseen=[towns]", "limit=4"),
    ),
    "evaluate": (
        "suites=[{kind: items, name: references, path: data/benchmark/references.jsonl}]",
        *("systems=[unspin, copy the input]", "limit=4"),
        # A worker process does not see the patched default checkpoint.
        *("checkpoint=runs/train/default/adapter", "compare=runs/train/default/adapter"),
    ),
}


def _run(command: str, *arguments: str, stdin: str | None = None) -> None:
    result = CliRunner().invoke(app, [command, *arguments], input=stdin)
    if command == "calibrate" and isinstance(result.exception, CalibrationError):
        # The tiny model may propose no edit; tests/evaluation/test_calibrate.py tests the figures.
        assert "proposes no edit" in str(result.exception)
        return
    if command == "self-train":
        # The tiny model restores nothing; tests/train/test_self_train.py tests the rounds.
        assert isinstance(result.exception, SelfTrainError), (result.output, result.exception)
        return
    expected = (0, 3) if "--fail-over" in arguments else (0,)  # the tiny model may find a document garbled
    assert result.exit_code in expected, (result.output, result.exception)


def _words(line: str) -> list[str]:
    """The words of a command line, with globs expanded, memory for S3, and the tiny adapter for the released one."""
    words: list[str] = []
    for word in shlex.split(line):
        word = re.sub("=infer/adapter$", "=runs/train/default/adapter", word.replace("s3://", "memory://"))
        words += sorted(map(str, Path().glob(word))) if "*" in word and "://" not in word else [word]
    return words


@pytest.mark.parametrize("line", COMMANDS)
def test_a_shown_command_runs(line: str, clone: Path) -> None:
    """In small: few articles, two training steps, no cluster, one process. Clusters and S3 have tests of their own."""
    command, *arguments = _words(line)[1:]
    output = clone / "runs" / "fresh"
    shutil.rmtree(output, ignore_errors=True)
    small = SMALL.get(command, ())
    if not {"--stats", "--plot", "--phrases"}.isdisjoint(arguments):
        small = ()
    elif command in ("build", "train", "evaluate"):
        small = (*small, f"output={output}")
    if any(argument.startswith("curve_run=") for argument in arguments):
        small = (*small, "curve_run=runs/train/default")
    if "--executor" in arguments:
        position = arguments.index("--executor")
        load_executor(Path(arguments[position + 1]))
        del arguments[position : position + 2]
    if "--jobs" in arguments:
        arguments[arguments.index("--jobs") + 1] = "1"
    if command == "export":
        shutil.rmtree(arguments[arguments.index("--output") + 1], ignore_errors=True)
    if command == "serve":
        arguments = ["--port", "0"]
    _run(command, *arguments, *small, stdin="The warfare had ended." if arguments[:1] == ["-"] else None)


@pytest.mark.parametrize("line", MODULES)
def test_a_shown_module_can_be_run(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It exists and runs as a script, its config is valid with the shown keys, and its help lists the shown options."""
    module, *arguments = shlex.split(line.partition(" -m ")[2])
    spec = importlib.util.find_spec(module)
    assert spec and spec.origin, f"no module {module}"
    if spec.submodule_search_locations:
        spec = importlib.util.find_spec(f"{module}.__main__")
        assert spec and spec.origin, f"{module} has no __main__"
    source = Path(spec.origin).read_text(encoding="utf-8")
    assert "__name__" in source or spec.name.endswith("__main__"), f"{module} does nothing when it is run"
    _write_configs(tmp_path)
    if arguments and arguments[0].endswith(".yaml"):
        config, overrides = tmp_path / arguments[0], [word for word in arguments[1:] if re.match(r"[a-z_.]+=", word)]
        load_config(config, CONFIG_CLASSES[config.parent.name], overrides)
    if "argparse" in source:
        monkeypatch.setattr(sys, "argv", [module, "--help"])
        with pytest.raises(SystemExit, match="0"):
            runpy.run_module(module, run_name="__main__")
        shown = capsys.readouterr().out
        unknown = [word for word in arguments if word.startswith("--") and word not in shown]
        assert not unknown, f"{module} has no option {', '.join(unknown)}"


@pytest.mark.parametrize(
    "line", [line for line in MODULES if line.startswith("accelerate")], ids=lambda line: line.split()[3]
)
def test_a_shown_launch_names_a_file_of_accelerate(line: str) -> None:
    words = shlex.split(line)
    assert (ROOT / words[words.index("--config_file") + 1]).is_file()


REGISTRIES = {
    "ARCHITECTURES": "unspin.infer.models",
    "SYSTEMS": "unspin.evaluation.systems",
    "ENGINES": "unspin.infer.engines",
}
PYTHON_PAGES = [page for page, text in TEXTS.items() if "```python" in text]


SCRIPTS = {name: block for name, block in _blocks("python").items() if "__main__" in block}


def _run_python(page: Path) -> dict[str, Any]:
    """Run the blocks of a page, apart from those that start processes and are scripts of their own."""
    names: dict[str, Any] = {"__name__": "page"}
    for block in re.findall(r"```python\n(.*?)```", TEXTS[page], re.DOTALL):
        if "__main__" not in block:
            exec(compile(block, page.name, "exec"), names)
    return names


@pytest.mark.parametrize("page", PYTHON_PAGES, ids=lambda page: page.name)
def test_python_on_a_page_runs(page: Path, tiny_adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unspin.infer.models.checkpoint.cache_folder", lambda: tmp_path / "cache")
    real = Restorer.from_pretrained.__func__  # type: ignore[attr-defined]
    monkeypatch.setattr(
        Restorer, "from_pretrained", classmethod(lambda cls, name, **options: real(cls, str(tiny_adapter), **options))
    )
    _run_python(page)


@pytest.mark.parametrize("method", ["spawn", "fork"])
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_on_a_page_runs(name: str, method: str, tiny_adapter: Path, run_script: Callable[..., str]) -> None:
    """In a process of its own, with both ways to start workers if it names one."""
    script = SCRIPTS[name].replace('"default"', repr(str(tiny_adapter)))
    assert str(tiny_adapter) in script
    assert run_script(script.replace('"spawn"', repr(method))).strip()


def test_the_examples_for_contributors_work(tmp_path: Path) -> None:
    page = ROOT / "CONTRIBUTING.md"
    names = _run_python(page)
    assert f'[project.entry-points."{GROUP}"]' in TEXTS[page]
    for registry, module in REGISTRIES.items():
        assert names[registry].keys().isdisjoint(getattr(importlib.import_module(module), registry))
    persona = next(
        persona
        for persona in (Persona.sample(seed, spinners={"formal": 1.0}) for seed in range(100))
        if persona.knows("formal", "buy")
    )
    (substitution,) = names["Formal"]().propose(Sentence.of("They buy it."), persona)
    assert (substitution.start, substitution.end, substitution.replacement) == (5, 8, "purchase")

    raw = "12:00\tThe warfare ended.\n12:01\tIt rained.\n"
    assert set(names["LOG"].suffixes).isdisjoint(FORMATS)
    views = names["LOG"].views(raw).views
    assert [view.text for view in views] == ["The warfare ended.\n", "It rained.\n"]
    edit = views[0].raw_edit(raw, Edit(4, 11, "war"))
    assert raw[edit.start : edit.end] == "warfare"

    (tmp_path / "texts.csv").write_text("spun,original\nThe warfare ended.,The war ended.\n", encoding="utf-8")
    (row,) = names["CsvSuite"](kind="csv", name="csv", path=tmp_path / "texts.csv").rows()
    assert (row.spun, row.references) == ("The warfare ended.", ("The war ended.",))

    system = names["Lower"](SystemSettings())
    assert system.restore(["It Rained."]) == ["it rained."]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_files_named_on_a_page_exist(page: Path) -> None:
    """Paths in code that begin with a folder of the repository. A pattern such as make_*.py must match a file."""
    folders = "core|data|infer|evaluation|train|cli|benchmarks|configs|docs|notebooks|tests"
    pattern = re.compile(rf"(?<![\w./={{}}-])(?:{folders})/[\w./*-]+")
    paths = {path.rstrip("./") for code in _code(TEXTS[page]) for path in pattern.findall(code)}
    shown = {match[0] for block in CONFIGS.values() if (match := re.search(r"configs/\S+", block))}
    assert not [path for path in paths - shown if "NAME" not in path and not any(ROOT.glob(path))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_make_targets_named_on_a_page_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {match[1] for code in _code(TEXTS[page]) if (match := re.match(r"make ([a-z]+)", code))}
    assert named <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"```.*?```", "", TEXTS[page], flags=re.DOTALL)
    for target, _, anchor in (link.partition("#") for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", prose)):
        file = page.parent / target if target else page
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
