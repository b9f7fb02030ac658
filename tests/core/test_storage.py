"""Object stores: building, restoring and opening from an S3 server (moto) works as with local files.

Each test also runs against a server that refuses every third request.
"""

import hashlib
import json
import math
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from errno import ENOSPC
from itertools import count
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from typer.testing import CliRunner
from unspin.checksums import ChecksumError, write_checksums
from unspin.cli.app import app
from unspin.cli.options import OptionError
from unspin.config import ConfigError, load_config
from unspin.data import build as building
from unspin.data.build import OtherDataError, build
from unspin.data.config import BuildConfig
from unspin.data.load import load_split
from unspin.infer.engines import decoding
from unspin.infer.models.checkpoint import Checkpoint
from unspin.storage import StorageError, local_copy, to_path, write_atomic
from unspin.train.backbones import Backbone
from unspin.train.config import TrainConfig

Application = Callable[[dict[str, object], Callable[..., object]], Iterable[bytes]]


class Flaky:
    """A server that answers every `period`-th request with 503, or none if `period` is 0."""

    def __init__(self, application: Application) -> None:
        self.period, self._application, self._requests = 0, application, count(1)

    def __call__(self, environment: dict[str, object], start: Callable[..., object]) -> Iterable[bytes]:
        if self.period and next(self._requests) % self.period == 0:
            start("503 Slow Down", [("Content-Type", "application/xml")])
            return [b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"]
        return self._application(environment, start)


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, Flaky]]:
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    flaky = Flaky(DomainDispatcherApplication(create_backend_app))
    serving = make_server("127.0.0.1", 0, flaky, threaded=True)
    thread = threading.Thread(target=serving.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{serving.server_port}", flaky
    serving.shutdown()
    thread.join()


@pytest.fixture(params=[0, 3], ids=["steady", "flaky"])
def bucket(
    request: pytest.FixtureRequest, server: tuple[str, Flaky], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """An empty bucket on a steady server, and on one that refuses every third request."""
    import s3fs

    address, flaky = server
    keys = {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    for name, value in {**keys, "XDG_CACHE_HOME": str(tmp_path / "cache")}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(building, "OUTGOING", tmp_path / "outgoing")
    s3fs.S3FileSystem.clear_instance_cache()
    store = s3fs.S3FileSystem()
    store.mkdir("bucket")
    flaky.period = request.param
    yield to_path("s3://bucket")
    flaky.period = 0
    store.rm("bucket", recursive=True)


def _put(folder: Path, address: Path) -> None:
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            (address / file.relative_to(folder).as_posix()).write_bytes(file.read_bytes())


def _config(source: Path, output: Path) -> BuildConfig:
    sources = [{"kind": "folder", "name": "towns", "path": str(source), "licence": "ours"}]
    fields = {
        "output": str(output),
        "holdout_share": 0.25,
        "variants": 1,
        "tasks": 2,
        "spinners": {"phrases": 1},
        "sources": sources,
    }
    return BuildConfig.model_validate(fields)


def _rows(folder: Path) -> dict[str, str]:
    return {
        f"{f.parent.name}/{f.name}": hashlib.sha256(f.read_bytes()).hexdigest()
        for f in sorted(folder.rglob("*.parquet"))
    }


def test_a_data_set_is_built_from_store_to_store_and_trained_on(corpus: Path, bucket: Path, tmp_path: Path) -> None:
    _put(corpus, bucket / "corpus")
    build(_config(corpus, tmp_path / "local"), "test")
    counts = build(_config(bucket / "corpus", bucket / "pairs"), "test")
    assert _rows(bucket / "pairs") == _rows(tmp_path / "local") != {}
    assert not list((tmp_path / "outgoing").iterdir())
    assert load_split(bucket / "pairs", "test").to_list() == load_split(tmp_path / "local", "test").to_list()
    assert build(_config(bucket / "corpus", bucket / "pairs"), "test") == counts, "a finished data set is left as it is"
    other = _config(bucket / "corpus", bucket / "pairs").model_copy(update={"seed": 7})
    with pytest.raises(OtherDataError, match=r"s3://bucket/pairs exists and was built from other inputs \(seed\)"):
        build(other, "test")


def test_a_build_that_was_killed_during_the_upload_continues(
    corpus: Path, bucket: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unspin import storage

    put_file, uploads = storage.put_file, count(1)

    def interrupted(file: Path, target: Path) -> None:
        if next(uploads) == 3:
            raise KeyboardInterrupt
        put_file(file, target)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(storage, "put_file", interrupted)
        build(_config(corpus, bucket / "pairs"), "test")
    with pytest.raises(StorageError, match="upload is not complete"):
        local_copy(bucket / "pairs")
    build(_config(corpus, bucket / "pairs"), "test")
    build(_config(corpus, tmp_path / "local"), "test")
    assert _rows(local_copy(bucket / "pairs")) == _rows(tmp_path / "local")


def _restored(folder: Path) -> dict[str, bytes]:
    """The restored files below a folder, without the records of finished files."""
    files = [file for file in folder.rglob("*.*") if file.is_file() and ".unspin" not in str(file)]
    return {str(file)[len(str(folder)) + 1 :]: file.read_bytes() for file in files}


def test_restoring_from_store_to_store(
    corpus: Path, bucket: Path, tiny_adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "MAX_ASTRAY", math.inf)  # the tiny model writes anything
    articles = sorted(corpus.glob("*.txt"))[:3]
    source = tmp_path / "source"
    (source / "deep").mkdir(parents=True)
    for article in articles:
        (source / "deep" / article.name).write_bytes(article.read_bytes())
    pq.write_table(
        pa.table({"id": [1, 2], "text": [article.read_text() for article in articles[:2]]}), source / "shard.parquet"
    )
    _put(source, bucket / "crawl")
    common = ["--checkpoint", str(tiny_adapter), "--min-confidence", "0"]
    run = CliRunner().invoke
    local = ["restore", str(source), *common, "--output", str(tmp_path / "restored")]
    assert run(app, local, catch_exceptions=False).exit_code == 0
    expected = _restored(tmp_path / "restored")
    assert len(expected) == 4

    places = ["--output", "s3://bucket/restored", "--html", "s3://bucket/pages"]
    remote = ["restore", "s3://bucket/crawl", *common, *places, "--resume"]
    assert run(app, remote, catch_exceptions=False).exit_code == 0
    restored = bucket / "restored"
    assert _restored(restored) == expected
    assert len(list((bucket / "pages").rglob("*.html"))) == 3

    first = restored / "deep" / articles[0].name
    first.unlink()
    (restored / "deep" / articles[1].name).write_bytes(b"kept")
    assert run(app, remote, catch_exceptions=False).exit_code == 0
    assert first.read_bytes() == expected[f"deep/{articles[0].name}"]
    assert (restored / "deep" / articles[1].name).read_bytes() == b"kept"

    globbed = run(app, ["restore", "s3://bucket/crawl/deep/*.txt", *common, "--in-place"], catch_exceptions=False)
    assert globbed.exit_code == 0
    assert (bucket / "crawl" / "deep" / articles[0].name).read_bytes() == expected[f"deep/{articles[0].name}"]
    assert (bucket / "crawl" / "deep" / f"{articles[0].name}.bak").read_bytes() == articles[0].read_bytes()


def test_screening_from_store_to_store(corpus: Path, bucket: Path, tiny_adapter: Path) -> None:
    article, *others = sorted(corpus.glob("*.txt"))[:2]
    (bucket / "crawl" / "a.txt").write_bytes(article.read_bytes())
    (bucket / "crawl" / "deep" / "b.txt").write_bytes(others[0].read_bytes())
    command = ["screen", "s3://bucket/crawl", "--checkpoint", str(tiny_adapter), "--resume", "--output"]
    inside = bucket / "crawl" / "out"
    for _ in range(2):  # the reports of the first run are not screened by the second
        done = CliRunner().invoke(app, [*command, str(inside)], catch_exceptions=False)
        assert done.exit_code == 0
        rows = map(json.loads, (inside / "screening.jsonl").read_text(encoding="utf-8").splitlines())
        names = [row["document"] for row in rows]
        assert names == ["s3://bucket/crawl/a.txt", "s3://bucket/crawl/deep/b.txt"]
    with pytest.raises(OptionError, match=r"holds a\.txt, which is to be screened"):
        CliRunner().invoke(app, [*command, "s3://bucket/crawl"], catch_exceptions=False)
    (bucket / "mine" / "documents.csv").write_bytes(b"a,b\n")
    with pytest.raises(OptionError, match=r"holds documents\.csv, which no screening wrote"):
        CliRunner().invoke(app, [*command, "s3://bucket/mine"], catch_exceptions=False)
    assert (bucket / "mine" / "documents.csv").read_bytes() == b"a,b\n"


def test_a_checkpoint_is_opened_from_a_verified_copy(
    bucket: Path, tiny_adapter: Path, tiny_base: Path, tmp_path: Path
) -> None:
    write_checksums(tiny_adapter, [tiny_adapter / "adapter_model.safetensors"])
    _put(tiny_adapter, bucket / "adapter")
    opened = Checkpoint.open("s3://bucket/adapter")
    assert opened.digest == Checkpoint.open(str(tiny_adapter)).digest
    assert opened.folder.is_relative_to(tmp_path / "cache")

    fields = {
        "backbone": str(tiny_base),
        "adapter": "s3://bucket/adapter",
        "data": "pairs",
        "output": "run",
        "max_steps": 1,
        "lora": {"rank": 4, "alpha": 8},
    }
    config = TrainConfig.model_validate(fields)
    backbone = Backbone.open(config.backbone)
    remote = backbone.load(config).state_dict()
    local = backbone.load(config.model_copy(update={"adapter": tiny_adapter})).state_dict()
    assert remote.keys() == local.keys()
    assert all(torch.equal(remote[name], local[name]) for name in local)

    sums = json.loads((tiny_adapter / "checksums.json").read_text())
    sums["adapter_model.safetensors"] = "0" * 64
    (bucket / "adapter" / "checksums.json").write_text(json.dumps(sums))
    with pytest.raises(ChecksumError, match=r"adapter_model\.safetensors is damaged"):
        Checkpoint.open("s3://bucket/adapter")


def test_an_unreachable_address_is_named(bucket: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def complaint(*arguments: str) -> str:
        outcome = CliRunner().invoke(app, ["restore", *arguments, "--output", str(tmp_path / "out")])
        return f"{outcome.exception}"

    assert "s3://bucket/missing.txt" in complaint("s3://bucket/missing.txt")
    assert "no document in s3://bucket/*.txt" in complaint("s3://bucket/*.txt")
    assert "nowhere" in complaint("nowhere://bucket/a.txt")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
    assert "s3://bucket/other.txt cannot be reached" in complaint("s3://bucket/other.txt")


def test_a_field_that_takes_no_address_is_named(tmp_path: Path) -> None:
    file = tmp_path / "train.yaml"
    file.write_text("data: s3://bucket/pairs\noutput: s3://bucket/run\nmax_steps: 1\n")
    with pytest.raises(
        ConfigError, match="output: expected a path on this machine, not an address, found 's3://bucket/run'"
    ):
        load_config(file, TrainConfig)


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "deep" / "file.txt"
    write_atomic(file, b"old")
    with monkeypatch.context() as patch, pytest.raises(OSError, match="disk full"):
        patch.setattr(Path, "replace", _fail)
        write_atomic(file, b"new")
    assert file.read_bytes() == b"old"
    assert list(file.parent.iterdir()) == [file]
    write_atomic(file, b"new")
    assert file.read_bytes() == b"new"


def _fail(*_: object) -> None:
    raise OSError(ENOSPC, "disk full")


def test_a_new_file_never_replaces_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.txt", "b.txt"):
        write_atomic(tmp_path / name, b"first", new=True)
        with pytest.raises(FileExistsError, match=name):
            write_atomic(tmp_path / name, b"second", new=True)
        monkeypatch.setattr(os, "link", _fail)  # as on a file system without hard links
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {"a.txt": b"first", "b.txt": b"first"}
    stored = to_path("memory://new/a.txt")
    write_atomic(stored, b"first", new=True)
    with pytest.raises(FileExistsError):
        write_atomic(stored, b"second", new=True)
    assert stored.read_bytes() == b"first"


def test_a_device_or_a_pipe_is_never_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileExistsError, match="not a file that can be replaced"):
        write_atomic(tmp_path / "pipe", b"x")
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize("address", ["github://x", "data://x", "dir://", "zip://x", "nonesuch://x"])
def test_an_address_of_no_store_is_refused(address: str) -> None:
    with pytest.raises(StorageError, match=f"^{address}"):
        to_path(address)
