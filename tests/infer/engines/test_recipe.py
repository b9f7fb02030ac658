"""Restorers in other processes: pickled as a recipe, safe to fork, loaded once for each process."""

import os
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from unspin.infer.engines import recipe
from unspin.infer.engines.base import LoadableEngine, check_device
from unspin.infer.models.backbone import ModelError
from unspin.infer.restorer import Restorer

TEXT = "The town council voted on Monday to keep the old library open for another year."
SCRIPT = """
import sys
from multiprocessing import get_context

import torch
from unspin import Restorer
from unspin.infer.engines import recipe

TEXT = {text!r}


def restore(restorer):
    torch.ones(1000, 1000).exp().sum()  # on all threads, if there is more than one
    return restorer.restore(TEXT).text, torch.get_num_threads(), len(recipe._loaded)


if __name__ == "__main__":
    restorer = Restorer.from_pretrained({adapter!r}, engine={engine!r}, min_confidence=0)
    expected, count, _ = restore(restorer)
    assert count == 2
    with get_context(sys.argv[1]).Pool(1) as pool:
        for restored, count, loaded in pool.map(restore, [restorer] * 3, chunksize=1):
            assert (restored, loaded) == (expected, 1), (restored, loaded)
            print(count)
"""
IN_FORK = """
import os, pickle
from unspin import Restorer

restorer = Restorer.from_pretrained({adapter!r}, engine="ctranslate2")
pickled = pickle.dumps(restorer)
restorer.restore({text!r})
if os.fork() == 0:
    for call in (lambda: restorer.restore({text!r}), lambda: pickle.loads(pickled)):
        try:
            call()
        except Exception as error:
            print(type(error).__name__, error, flush=True)
    os._exit(0)
os.wait()
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    recipe._engine.cache_clear()
    yield
    recipe._engine.cache_clear()


@pytest.mark.parametrize(
    ("method", "engine", "threads"),
    [
        ("fork", "draft", 1),
        ("fork", "transformers", 1),
        ("spawn", "draft", 2),
        ("spawn", "transformers", 2),
        ("spawn", "ctranslate2", 2),
    ],
)
def test_workers_restore_alike_and_hold_one_model_each(
    method: str, engine: str, threads: int, tiny_adapter: Path, run_script: Callable[..., str]
) -> None:
    output = run_script(SCRIPT.format(text=TEXT, adapter=str(tiny_adapter), engine=engine), method)
    assert output.split() == [str(threads)] * 3


def test_an_engine_with_threads_of_its_own_is_refused_in_a_forked_process(
    tiny_adapter: Path, run_script: Callable[..., str]
) -> None:
    lines = run_script(IN_FORK.format(text=TEXT, adapter=str(tiny_adapter))).splitlines()
    assert len(lines) == 2
    for line in lines:
        assert line.startswith("ModelError CTranslate2Engine was used before this process was forked")
        assert line.endswith('start workers with the method "spawn", or load the model in the workers only')


def test_a_pickle_is_small_stable_and_keeps_the_options(
    tiny_adapter: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tiny_adapter.parent)
    restorer = Restorer.from_pretrained("adapter", min_confidence=0.25, keep_quotations=True, alternatives=2)
    pickled = pickle.dumps(restorer)
    assert len(pickled) < 1000 and str(tiny_adapter).encode() in pickled
    monkeypatch.chdir(tmp_path)
    again = pickle.loads(pickled)
    assert again._engine is restorer._engine and again._options == restorer._options
    assert pickle.dumps(again) == pickled
    del restorer, again
    recipe._engine.cache_clear()
    assert pickle.loads(pickled).restore(TEXT).source == TEXT, "loads the checkpoint again"


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "unspin.json"])
def test_a_changed_checkpoint_has_another_pickle(name: str, tiny_adapter: Path) -> None:
    before = pickle.dumps(Restorer.from_pretrained(str(tiny_adapter)))
    assert pickle.dumps(Restorer.from_pretrained(str(tiny_adapter))) == before
    if name == "unspin.json":
        (tiny_adapter / name).write_text((tiny_adapter / name).read_text().replace("{", '{"calibration": {}, ', 1))
    else:
        from safetensors.torch import load_file, save_file

        save_file({key: 2 * value for key, value in load_file(tiny_adapter / name).items()}, tiny_adapter / name)
    recipe._engine.cache_clear()
    with pytest.raises(ModelError, match="has changed since this restorer was pickled"):
        pickle.loads(before)
    assert pickle.dumps(Restorer.from_pretrained(str(tiny_adapter))) != before


def test_an_engine_is_freed_with_its_restorer(tiny_adapter: Path) -> None:
    restorer = Restorer.from_pretrained(str(tiny_adapter))
    (key,) = (key for key in recipe._loaded if key.name == str(tiny_adapter))
    del restorer
    assert key not in recipe._loaded


@pytest.mark.parametrize(
    ("process", "works"), [(None, True), (os.getpid(), True), (1, False)], ids=["none", "this one", "another"]
)
def test_a_process_knows_whether_it_can_use_an_engine(process: int | None, works: bool) -> None:
    class Engine(LoadableEngine):
        pass

    engine = Engine()
    engine.process = process
    if works:
        engine.check_process()
    else:
        with pytest.raises(ModelError, match="Engine was used before"):
            engine.check_process()


def test_a_gpu_that_the_parent_used_is_refused_in_a_forked_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise RuntimeError("Cannot re-initialize CUDA in forked subprocess. To use CUDA with multiprocessing, …")

    monkeypatch.setattr("torch.ones", refuse)
    with pytest.raises(ModelError, match="device 'cuda' cannot be used here: start workers with the method \"spawn\""):
        check_device("cuda")
