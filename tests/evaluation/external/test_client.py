"""Peers over the protocol: a fake peer answers, fails or does not start; errors say what to do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from unspin.evaluation.external import PEERS, Peer, PeerError, client
from unspin.segment import split_sentences

SENTENCES = ["The minister told reporters that the large company left.", "“Naïve,” she said — twice.", ""]
# A server that announces itself and parses requests; a test appends what it does with them.
TEXT = split_sentences(Path("data/samples/ferry.original.txt").read_text(encoding="utf-8"))[:10]
FAKE = """
import json, sys
print("loading", sys.argv[1:], file=sys.stderr)
print(json.dumps({"ready": "1.0"}), flush=True)
for line in sys.stdin:
    sentences = json.loads(line)["sentences"]
"""


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """A folder that looks like the peers' environment, with this Python in it."""
    (tmp_path / "peers" / "bin").mkdir(parents=True)
    (tmp_path / "peers" / "bin" / "python").symlink_to(sys.executable)
    return tmp_path / "peers"


def _fake(environment: Path, body: str) -> Peer:
    server = environment / "fake.py"
    server.write_text(FAKE + "    " + body)
    return Peer("nlpaug", environment=environment, server=server)


def test_a_peer_answers_sentences_in_order(environment: Path) -> None:
    with _fake(environment, 'print(json.dumps({"sentences": [s[::-1] for s in sentences]}), flush=True)') as peer:
        assert peer.version == "1.0"
        assert peer.spin(SENTENCES) == [s[::-1] for s in SENTENCES]
        assert peer.spin([]) == []


def test_closing_twice_ends_the_process_once(environment: Path) -> None:
    peer = _fake(environment, "pass")
    peer.close()
    peer.close()
    assert peer._process.returncode is not None


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('sys.exit("out of words")', r"has ended(.|\n)*loading \['nlpaug', '0'\](.|\n)*out of words"),
        ('print("Hello!", flush=True)', "instead of a JSON object"),
        ('print(\'{"error": "failed: KeyError: 3"}\', flush=True)', "failed: KeyError: 3"),
        ('print(\'{"sentences": ["one"]}\', flush=True)', "did not return one text for each of 3 sentences"),
        ("print('{\"sentences\": [1, 2, 3]}', flush=True)", "did not return one text for each of 3 sentences"),
    ],
)
def test_a_failing_peer_is_reported_with_its_last_messages(environment: Path, body: str, message: str) -> None:
    with _fake(environment, body) as peer, pytest.raises(PeerError, match=message):
        peer.spin(SENTENCES)


def test_a_peer_that_does_not_load_is_reported(environment: Path) -> None:
    with pytest.raises(PeerError, match="did not load: ModuleNotFoundError: No module named 'textblob'"):
        Peer("nlpaug", environment=environment)


def test_a_missing_environment_and_an_unknown_peer_are_reported(tmp_path: Path) -> None:
    with pytest.raises(PeerError, match=r"textattack: there is no environment at .*: run make peers"):
        Peer("textattack", environment=tmp_path)
    with pytest.raises(PeerError, match="unknown peer 'spinbot': choose from textattack, nlpaug, texthumanize"):
        Peer("spinbot")


def test_variables_of_this_python_do_not_reach_the_peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    variables = client._environment_variables(tmp_path)
    assert "PYTHONPATH" not in variables and variables["NLTK_DATA"] == str(tmp_path / "nltk_data")


@pytest.mark.parametrize("name", PEERS)
def test_the_real_peer_changes_words_and_keeps_the_order(name: str) -> None:
    if not (client.ENVIRONMENT / "installed").exists():
        pytest.skip(f"{client.ENVIRONMENT} is missing: run make peers")
    with Peer(name, seed=3) as peer:
        spun = peer.spin(TEXT)
    assert len(spun) == len(TEXT)
    shared = [
        len(set(before.split()) & set(after.split())) / len(set(before.split()))
        for before, after in zip(TEXT, spun, strict=True)
    ]
    assert all(share > 0 for share in shared) and 0.5 < sum(shared) / len(shared) < 1
