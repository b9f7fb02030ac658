"""Data sets and models on the Hugging Face hub: a local server answers the requests of the hub's client."""

import base64
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from typing import Any, cast
from urllib.parse import unquote

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import LocalTokenNotFoundError
from pydantic import TypeAdapter, ValidationError
from unspin.hub import HubError, Repository
from unspin.storage import DataSetPath


class Hub(ThreadingHTTPServer):
    """Repositories in memory: name -> path -> content. Every upload is listed with its files."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.private: set[str] = set()
        self.commits: list[list[str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Request(BaseHTTPRequestHandler):
    """What the client asks of the hub, no more."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        hub, path = cast(Hub, self.server), self.path.partition("?")[0]
        if path == "/api/whoami-v2":
            role = {"name": "unspin", "role": "write"}
            self._answer({"name": "ann", "orgs": [{"name": "lab"}], "auth": {"accessToken": role}})
        elif found := re.fullmatch(r"/api/(?:datasets|models)/(\w+/\w+)(/revision/\w+|/tree/\w+/?(.*))?", path):
            files = hub.repositories.get(found[1])
            if files is None:
                self._answer({}, 404, {"X-Error-Code": "RepoNotFound"})
            elif "/tree/" in path:
                self._answer(_tree(files, unquote(found[3]), "recursive=true" in self.path))
            else:
                self._answer({"id": found[1], "sha": "c" * 40, "siblings": [{"rfilename": name} for name in files]})
        elif found := re.fullmatch(r"(?:/datasets)?/(\w+/\w+)/resolve/\w+/(.+)", path):
            content = hub.repositories[found[1]].get(found[2])
            headers = {"X-Repo-Commit": "c" * 40, "ETag": f'"{hash(content)}"'}
            if content is None:
                self._answer({}, 404, headers | {"X-Error-Code": "EntryNotFound"})
            else:
                self._answer(content, headers=headers)
        else:
            self._answer({}, 404)

    def do_POST(self) -> None:
        hub, path = cast(Hub, self.server), self.path.partition("?")[0]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if path == "/api/repos/create":
            made = json.loads(body)
            name = f"{made['organization']}/{made['name']}"
            hub.repositories.setdefault(name, {".gitattributes": b""})
            hub.private.update({name} if made.get("visibility") == "private" else ())
            self._answer({"url": f"{hub.url}/datasets/{name}"})
        elif path == "/api/validate-yaml":
            self._answer({"errors": [], "warnings": []})
        elif found := re.fullmatch(r"/api/(?:datasets|models)/(\w+/\w+)/paths-info/\w+", path):
            files = hub.repositories[found[1]]
            self._answer([_entry(name, files[name]) for name in json.loads(body)["paths"] if name in files])
        elif path.endswith("/preupload/main"):
            names = [file["path"] for file in json.loads(body)["files"]]
            self._answer({"files": [{"path": n, "uploadMode": "regular", "shouldIgnore": False} for n in names]})
        elif found := re.fullmatch(r"/api/(?:datasets|models)/(\w+/\w+)/commit/main", path):
            lines = [json.loads(line) for line in body.splitlines()]
            files = {x["value"]["path"]: base64.b64decode(x["value"]["content"]) for x in lines if x["key"] == "file"}
            hub.repositories[found[1]] |= files
            hub.commits.append(sorted(files))
            self._answer({"commitUrl": f"{hub.url}/datasets/{found[1]}/commit/{'c' * 40}", "commitOid": "c" * 40})
        else:
            self._answer({}, 404)

    def _answer(self, content: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        start, end = 0, len(body)
        if wanted := re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range") or ""):
            start, end, status = int(wanted[1]), min(int(wanted[2]) + 1, end), 206
        self.send_response(status)
        kind = "application/octet-stream" if isinstance(content, bytes) else "application/json"
        for name, value in {"Content-Type": kind, "Content-Length": str(end - start), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[start:end])


def _entry(name: str, content: bytes) -> dict[str, object]:
    return {"type": "file", "path": name, "size": len(content), "oid": f"{hash(content):x}"}


def _tree(files: dict[str, bytes], folder: str, recursive: bool) -> list[dict[str, object]]:
    """The files and folders in a folder ("" for the top), or everything below it."""
    inside = {name: content for name, content in files.items() if name.startswith(f"{folder}/") or not folder}
    folders = {str(parent) for name in inside for parent in PurePosixPath(name).parents} - {".", folder}
    entries = [_entry(name, content) for name, content in inside.items()]
    entries += [{"type": "directory", "path": name, "size": 0, "oid": name} for name in sorted(folders)]
    return [e for e in entries if recursive or str(PurePosixPath(str(e["path"])).parent) == (folder or ".")]


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def _run(script: str, hub: Hub, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run Python in a process of its own, because the client reads the hub's address when it is imported."""
    places = {"HF_HOME": str(folder / "hf"), "XDG_CACHE_HOME": str(folder / "cache")}
    environment = os.environ | places | {"HF_ENDPOINT": hub.url, "HF_TOKEN": "hf_test", "NO_PROXY": "127.0.0.1"}
    environment.pop("HF_HUB_OFFLINE", None)
    environment.pop("HF_DATASETS_OFFLINE", None)
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment)


BUILD = """
import json, sys
from unspin.data.build import build
from unspin.data.config import BuildConfig
config = BuildConfig.model_validate({{
    "output": "hf://datasets/ann/pairs", "holdout_share": 0.25, "variants": 2, "tasks": 2, "spinners": {{"phrases": 1}},
    "seed": {seed}, "sources": [{{"kind": "folder", "name": "towns", "path": {corpus!r}, "licence": "ours"}}],
}})
counts = build(config, "test")
"""
READ = """
from datasets import load_dataset
from unspin.data.load import load_split
from unspin.data.rows import SCHEMA
from unspin.storage import to_path
rows = load_split(to_path("hf://datasets/ann/pairs"), "test")
data = load_dataset("ann/pairs")
assert data["test"].to_list() == rows.to_list() and data["train"].column_names == SCHEMA.names
assert {split: len(data[split]) for split in data} == {split: counts[split] for split in data}, (data, counts)
print(json.dumps({split: len(data[split]) for split in data}))
"""


def test_a_data_set_is_uploaded_in_one_commit_and_read_back(corpus: Path, hub: Hub, tmp_path: Path) -> None:
    done = _run(BUILD.format(corpus=str(corpus), seed=1) + READ, hub, tmp_path)
    assert done.returncode == 0, done.stderr
    assert list(json.loads(done.stdout)) == ["train", "validation", "test"]
    (files,) = hub.commits
    assert {"README.md", "checksums.json", "origin.json", "train/00000.parquet"} <= set(files)
    assert not any(file.startswith("work/") for file in files)
    assert hub.private == {"ann/pairs"}
    card = hub.repositories["ann/pairs"]["README.md"].decode()
    assert (
        "load_dataset('ann/pairs')" in card and "size_categories: n<1K" in card and "| towns | folder | ours |" in card
    )
    again = _run(BUILD.format(corpus=str(corpus), seed=1) + "print(json.dumps(counts))", hub, tmp_path)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout) == json.loads(done.stdout) and len(hub.commits) == 1
    other = _run(BUILD.format(corpus=str(corpus), seed=2), hub, tmp_path)
    assert "hf://datasets/ann/pairs exists and was built from other inputs (seed)" in other.stderr


EXPORT = """
from pathlib import Path
from unspin.infer.models.checkpoint import Checkpoint
from unspin.train.export import export
(merged,) = export({adapter!r}, Path({output!r}), push="ann/model")
assert Checkpoint.open("hf://ann/model").digest == Checkpoint.open(str(merged)).digest
"""


def test_an_exported_model_is_uploaded_and_read_as_a_checkpoint(tiny_adapter: Path, hub: Hub, tmp_path: Path) -> None:
    done = _run(EXPORT.format(adapter=str(tiny_adapter), output=str(tmp_path / "out")), hub, tmp_path)
    assert done.returncode == 0, done.stderr
    (files,) = hub.commits
    assert {"README.md", "checksums.json", "model.safetensors", "unspin.json"} <= set(files)
    assert hub.private == {"ann/model"}


def test_a_repository_with_other_files_is_refused(corpus: Path, hub: Hub, tmp_path: Path) -> None:
    hub.repositories["ann/pairs"] = {"README.md": b"", "data.csv": b"a,b\n"}
    done = _run(BUILD.format(corpus=str(corpus), seed=1), hub, tmp_path)
    assert "OtherDataError: hf://datasets/ann/pairs exists and has no origin.json" in done.stderr
    assert not hub.commits


def test_a_hub_that_cannot_be_reached_is_named_before_the_build(corpus: Path, hub: Hub, tmp_path: Path) -> None:
    hub.server_port = 9  # nothing answers there
    done = _run(BUILD.format(corpus=str(corpus), seed=1), hub, tmp_path)
    assert re.search(r"HubError: hf://datasets/ann/pairs: the hub cannot be reached \(ConnectError: ", done.stderr)
    assert "Retrying" not in done.stderr, "a machine offline need not wait"
    assert not (tmp_path / "cache").exists()


def test_addresses_name_repositories() -> None:
    assert Repository.at("hf://datasets/ann/my.pairs@v1") == Repository("dataset", "ann/my.pairs", "v1")
    assert str(Repository.at("hf://ann/model")) == "hf://ann/model"
    assert Repository.at("s3://bucket/folder") is None and Repository.at(Path("datasets/ann")) is None
    for wrong in ("hf://datasets/pairs", "hf://datasets/ann/pairs/train", "hf://"):
        with pytest.raises(HubError, match="give a repository: hf://datasets/OWNER/NAME"):
            Repository.at(wrong)


def test_a_model_needs_the_repository_of_a_model_and_a_data_set_that_of_a_data_set() -> None:
    for name in ("ann/model", "hf://ann/model"):
        assert Repository.of_model(name) == Repository("model", "ann/model")
    for wrong in ("", "model", "ann/b/c d", "datasets/ann/pairs", "hf://datasets/ann/pairs"):
        with pytest.raises(HubError, match="OWNER/NAME"):
            Repository.of_model(wrong)
    with pytest.raises(ValidationError, match="the address of a data set begins with hf://datasets/"):
        TypeAdapter(DataSetPath).validate_python("hf://ann/pairs")


def _no_token(_: object) -> None:
    raise LocalTokenNotFoundError("Token is required")


def _user(role: str) -> Any:
    return lambda _: {"name": "ann", "orgs": [{"name": "lab"}], "auth": {"accessToken": {"role": role}}}


@pytest.mark.parametrize(
    ("whoami", "address", "message"),
    [
        (_no_token, "hf://datasets/ann/pairs", "writing needs a token: log in with `hf auth login`"),
        (_user("write"), "hf://datasets/bob/pairs", "the token can write to ann, lab: choose another owner"),
        (_user("read"), "hf://datasets/ann/pairs", "the token may only read: make one that may write"),
        (_user("write"), "hf://datasets/ann/pairs@v1", "leave out @v1"),
    ],
)
def test_an_upload_that_would_fail_is_refused(
    whoami: Any, address: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HfApi, "whoami", whoami)
    repository = Repository.at(address)
    assert repository
    with pytest.raises(HubError, match=message):
        repository.check_upload()
