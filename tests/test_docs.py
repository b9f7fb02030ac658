"""The documentation says what is so: pages that follow from the code are up to date, commands are ones that exist, Python runs."""

import importlib.util
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from unspin.cli.app import app
from unspin.infer.restorer import Restorer

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
SHOWN = sorted(
    {
        (page.name, re.split(r"\s{2,}#|\s+[>|]\s", line.strip().strip("`"))[0])
        for page in PAGES
        for line in re.findall(r"^(?: {4}|`)(?:cat \S+ \| )?(unspin [a-z].*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    }
)


def _generate() -> Any:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["commands", "configuration"])
def test_generated_pages_are_up_to_date(name: str) -> None:
    assert (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8") == getattr(_generate(), name)(), "run python docs/generate.py"


@pytest.mark.parametrize(("page", "line"), SHOWN)
def test_a_shown_command_exists_with_its_options_and_files(page: str, line: str) -> None:
    name, *arguments = shlex.split(line)[1:]
    command = get_command(app).commands[name]  # type: ignore[attr-defined]
    with command.make_context(name, list(arguments), resilient_parsing=False) as context:
        assert context.params
    for argument in arguments:
        if argument.startswith(("configs/", "data/")):
            assert (ROOT / argument).exists(), f"{page}: {argument}"


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
