"""Setting up the peers' environment: data where NLTK looks for it, steps that fail, packages that are kept."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from unspin.evaluation.external import PeerError, setup


def test_wordnet_and_stopwords_are_installed_where_nltk_looks_and_kept(tmp_path: Path) -> None:
    source = tmp_path / "wordnet"
    source.mkdir()
    for name in setup.NEEDED:
        (source / name).write_text(name)
    for _ in range(2):
        setup.install_wordnet(tmp_path, source)
        setup.install_stopwords(tmp_path)
        (source / "data.noun").unlink(missing_ok=True)  # not read the second time
    corpora = tmp_path / "nltk_data" / "corpora"
    assert (corpora / "wordnet" / "data.noun").read_text() == "data.noun"
    names = (corpora / "wordnet" / "lexnames").read_text().splitlines()
    assert len(names) == 45
    assert (names[5], names[29], names[44]) == ("05\tnoun.animal\t1", "29\tverb.body\t2", "44\tadj.ppl\t3")
    assert {"the", "of", "she"} < set((corpora / "stopwords" / "english").read_text().split())


def test_without_wordnet_and_apt_the_error_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup.shutil, "which", lambda _: None)
    with pytest.raises(PeerError, match="WordNet is not in /usr/share/wordnet"):
        setup.install_wordnet(tmp_path, tmp_path)


def test_a_failing_step_is_reported_with_its_output() -> None:
    with pytest.raises(PeerError, match=r"failed \(fix this(.|\n)*nothing here"):
        setup._run([sys.executable, "-c", "raise SystemExit('nothing here')"])


def test_packages_are_installed_again_only_if_requirements_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[str] = []
    monkeypatch.setattr(setup, "_run", lambda command: commands.append(" ".join(command)))
    monkeypatch.setattr(setup.venv, "create", lambda folder, with_pip: folder.mkdir())
    setup.install_packages(tmp_path / "peers", ["--index-url", "URL"])
    setup.install_packages(tmp_path / "peers")
    torch, others = commands
    assert torch.endswith("--index-url URL torch==2.13.0") and "requirements.txt" in others


def test_every_requirement_is_pinned() -> None:
    lines = [line for line in setup.REQUIREMENTS.read_text().splitlines() if not line.startswith("#")]
    assert lines and all("==" in line and "+" not in line for line in lines)
