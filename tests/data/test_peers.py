"""Peers and the race against them: the protocol on a fake peer, errors that say what to do, data laid where NLTK looks, ratios by hand."""

from __future__ import annotations

import ast
import io
import json
import sys
from pathlib import Path

import pytest
from unspin.data import bench, timing
from unspin.data.errors import UnspinError
from unspin.data.peers import PEERS, Peer, PeerError, client, setup
from unspin.data.peers import serve as far

SENTENCES = ["The minister told reporters that the large company left.", "“Naïve,” she said — twice.", ""]
FAKE = """
import json, sys
print("loading", sys.argv[1:], file=sys.stderr)
print(json.dumps({"ready": "1.0"}), flush=True)
for line in sys.stdin:
    sentences = json.loads(line)["sentences"]
"""


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """A folder that looks like the peers' environment and has this Python."""
    (tmp_path / "peers" / "bin").mkdir(parents=True)
    (tmp_path / "peers" / "bin" / "python").symlink_to(sys.executable)
    return tmp_path / "peers"


def fake(environment: Path, body: str) -> Peer:
    server = environment / "fake.py"
    server.write_text(FAKE + "    " + body)
    return Peer("nlpaug", environment=environment, server=server)


def test_a_peer_answers_lists_with_lists_of_the_same_order(environment: Path) -> None:
    with fake(environment, 'print(json.dumps({"sentences": [s[::-1] for s in sentences]}), flush=True)') as peer:
        assert peer.version == "1.0"
        assert peer.spin(SENTENCES) == [s[::-1] for s in SENTENCES]
        assert peer.spin([]) == []


def test_closing_twice_ends_the_process_once(environment: Path) -> None:
    peer = fake(environment, "pass")
    peer.close()
    peer.close()
    assert peer._process.returncode is not None


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('sys.exit("out of words")', r"ended(.|\n)*loading \['nlpaug', '0'\](.|\n)*out of words"),
        ('print("Hello!", flush=True)', "no JSON object"),
        ('print(\'{"error": "failed: KeyError: 3"}\', flush=True)', "failed: KeyError: 3"),
        ('print(\'{"sentences": ["one"]}\', flush=True)', "did not answer 3 sentences with as many"),
        ("print('{\"sentences\": [1, 2, 3]}', flush=True)", "did not answer 3 sentences with as many"),
    ],
)
def test_a_peer_that_fails_is_told_with_what_it_said(environment: Path, body: str, message: str) -> None:
    with fake(environment, body) as peer, pytest.raises(PeerError, match=message):
        peer.spin(SENTENCES)


def test_a_peer_that_does_not_load_is_told(environment: Path) -> None:
    with pytest.raises(PeerError, match="did not load: ModuleNotFoundError: No module named 'textblob'"):
        Peer("nlpaug", environment=environment)


def test_a_missing_environment_and_an_unknown_peer_are_told(tmp_path: Path) -> None:
    with pytest.raises(PeerError, match=r"textattack: no peers' environment at .*: run make peers"):
        Peer("textattack", environment=tmp_path)
    with pytest.raises(PeerError, match="unknown 'spinbot'; there are textattack, nlpaug, texthumanize"):
        Peer("spinbot")


def test_variables_of_this_python_do_not_reach_the_peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    kept = client._surroundings(tmp_path)
    assert "PYTHONPATH" not in kept and kept["NLTK_DATA"] == str(tmp_path / "nltk_data")


def test_the_far_side_knows_every_peer_and_imports_nothing_of_unspin() -> None:
    assert tuple(far.LOADERS) == PEERS
    nodes = list(ast.walk(ast.parse(client.SERVER.read_text())))
    modules = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    assert {module.partition(".")[0] for module in modules} <= sys.stdlib_module_names


def test_the_far_side_answers_line_by_line_and_outlives_a_failure() -> None:
    output = io.StringIO()
    far.serve(lambda sentence: str(1 / len(sentence)), [json.dumps({"sentences": it}) for it in (["ab"], [""], [])], output)
    answers = [json.loads(line) for line in output.getvalue().splitlines()]
    assert answers == [{"sentences": ["0.5"]}, {"error": "failed: ZeroDivisionError: division by zero"}, {"sentences": []}]


def test_wordnet_and_stopwords_are_laid_where_nltk_looks_and_what_is_there_is_kept(tmp_path: Path) -> None:
    source = tmp_path / "wordnet"
    source.mkdir()
    for name in setup.NEEDED:
        (source / name).write_text(name)
    for _ in range(2):
        setup.lay_wordnet(tmp_path, source)
        setup.lay_stopwords(tmp_path)
        (source / "data.noun").unlink(missing_ok=True)  # not read the second time
    laid = tmp_path / "nltk_data" / "corpora"
    assert (laid / "wordnet" / "data.noun").read_text() == "data.noun"
    names = (laid / "wordnet" / "lexnames").read_text().splitlines()
    assert len(names) == 45 and names[5] == "05\tnoun.animal\t1" and names[29] == "29\tverb.body\t2" and names[44] == "44\tadj.ppl\t3"
    assert {"the", "of", "she"} < set((laid / "stopwords" / "english").read_text().split())


def test_without_wordnet_or_apt_the_set_up_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup.shutil, "which", lambda _: None)
    with pytest.raises(PeerError, match="WordNet is not at /usr/share/wordnet"):
        setup.lay_wordnet(tmp_path, tmp_path)


def test_a_step_that_fails_is_told_with_its_output() -> None:
    with pytest.raises(PeerError, match=r"failed \(mend(.|\n)*nothing here"):
        setup._run([sys.executable, "-c", "raise SystemExit('nothing here')"])


def test_packages_installed_from_the_same_requirements_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[str] = []
    monkeypatch.setattr(setup, "_run", lambda command: commands.append(" ".join(command)))
    monkeypatch.setattr(setup.venv, "create", lambda folder, with_pip: folder.mkdir())
    setup.lay_packages(tmp_path / "peers", ["--index-url", "URL"])
    setup.lay_packages(tmp_path / "peers")
    assert len(commands) == 2 and commands[0].endswith("--index-url URL torch==2.13.0") and "requirements.txt" in commands[1]


def test_every_requirement_is_pinned() -> None:
    lines = [line for line in setup.REQUIREMENTS.read_text().splitlines() if not line.startswith("#")]
    assert lines and all("==" in line and "+" not in line for line in lines)


def test_the_race_times_both_sides_in_turn_and_the_ratio_is_that_of_each_run() -> None:
    order: list[str] = []
    ours, theirs = bench.run(lambda text: order.append("a") or list(text), lambda text: order.append("b") or ["x"] * len(text), "b", SENTENCES, 3)
    assert "".join(order) == "ab" + "abbaab" and (ours.changed, theirs.changed) == (0.0, 1.0)
    assert len(ours.seconds) == len(theirs.seconds) == 3 and min(ours.seconds) >= 0
    assert timing.ratios((1.0, 2.0), (3.0, 4.0)) == [3.0, 2.0] and timing.interval([1.0, 4.0, 2.0], ".1f") == "2.0 (1.0–4.0)"
    assert bench.Side("a", 6, (1.0, 2.0), 0).rates == [6.0, 3.0]


def test_words_changed_are_counted_in_order_and_apart_from_case() -> None:
    assert bench._changed(["The big dog barks."], ["the large dog barks"]) == 0.25
    assert bench._changed([""], [""]) == 0.0


def test_the_text_is_the_same_each_time_and_too_few_sentences_are_told(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("A first one. A second.\nA third.", encoding="utf-8")
    assert bench.text(2, tmp_path) == bench.text(3, tmp_path)[:2] == ["A first one.", "A second."]
    with pytest.raises(UnspinError, match="3 sentences, 4 asked for"):
        bench.text(4, tmp_path)


def test_our_side_spins_with_another_persona_each_call() -> None:
    ours = bench.Ours()
    text = bench.text(30)
    first, second = ours.spin(text), ours.spin(text)
    assert len(first) == len(second) == 30 and first != second and first == bench.Ours().spin(text)


@pytest.mark.parametrize("name", PEERS)
def test_the_real_peer_changes_words_and_keeps_the_order(name: str) -> None:
    if not (client.ENVIRONMENT / "installed").exists():
        pytest.skip(f"{client.ENVIRONMENT} is missing: run make peers")
    text = bench.text(10)
    with Peer(name, seed=3) as peer:
        spun = peer.spin(text)
    assert len(spun) == len(text) and 0 < bench._changed(text, spun) < 0.5
    assert all(bench._changed([before], [after]) < 1 for before, after in zip(text, spun, strict=True))
