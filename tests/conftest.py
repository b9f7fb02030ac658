"""Fixtures shared by all tests. They need no network; models are tiny, with random weights."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # for tiny models, threads cost more than they save

import pytest
from hypothesis import settings

settings.register_profile("unspin", deadline=None)  # the time a test takes depends on the machine
settings.load_profile("unspin")

ARTICLE = """\
Council votes to keep the old library open

The town council voted on Monday to keep the old library open for another year, after more than 2,000 people signed \
a petition.

“We have listened to the people who use this building every day,” said Joan Keller, the mayor. She said the repairs \
would cost 40,000 pounds.

The library was built in 1911 and has not been repaired for two decades. Its roof leaks in winter and the heating \
often fails.
"""


@pytest.fixture
def run_script(tmp_path: Path) -> Callable[..., str]:
    """Runs a Python script whose processes may hang, with two threads for each; returns what it printed.

    Fails after two minutes, and ends all processes of the script.
    """

    def run(script: str, *arguments: str) -> str:
        file = tmp_path / "script.py"
        file.write_text(script, encoding="utf-8")
        environment = os.environ | {"OMP_NUM_THREADS": "2", "XDG_CACHE_HOME": str(tmp_path / "cache")}
        process = subprocess.Popen(
            [sys.executable, str(file), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env=environment,
            start_new_session=True,
        )
        try:
            output, errors = process.communicate(timeout=120)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        assert process.returncode == 0 and "just got forked" not in errors, errors
        return output

    return run


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A folder of twelve short articles from the project's own corpus, which share one sentence of twenty words."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    articles = [file for kind in ("local", "sport") for file in sorted(Path(f"data/articles/{kind}").glob("*.txt"))[:6]]
    shared = "The weather office said that the rain would last until the end of the week in most parts of the country."
    for file in articles:
        opening = file.read_text(encoding="utf-8").split("\n\n")[:4]
        (folder / f"{file.parent.name}-{file.name}").write_text(
            "\n\n".join([*opening, shared]) + "\n", encoding="utf-8"
        )
    return folder


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny Gemma 3 model with random weights and its own byte-level tokenizer."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig

    folder = tmp_path_factory.mktemp("tiny")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<pad>", "<eos>", "<bos>", "<unk>"]
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator([ARTICLE], trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    names = {"pad_token": "<pad>", "eos_token": "<eos>", "bos_token": "<bos>", "unk_token": "<unk>"}
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", **names}))
    torch.manual_seed(0)
    config = Gemma3TextConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, head_dim=16, sliding_window=64, max_position_embeddings=1024,
        query_pre_attn_scalar=16, pad_token_id=0, eos_token_id=1, bos_token_id=2,
    )  # fmt: skip
    Gemma3ForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture
def tiny_adapter(made_adapter: Path, tmp_path: Path) -> Path:
    """The folder of a random LoRA adapter for the tiny base model, which a test may change."""
    return Path(shutil.copytree(made_adapter, tmp_path / "adapter"))


@pytest.fixture(scope="session")
def made_adapter(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The adapter that `tiny_adapter` copies."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM
    from unspin.infer.models.prompt import Prompt

    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_pretrained(tiny_base)
    config = LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False)
    folder = tmp_path_factory.mktemp("made") / "adapter"
    get_peft_model(model, config).save_pretrained(folder)
    (folder / "unspin.json").write_text(json.dumps({"backbone": str(tiny_base), "prompt": Prompt.name}))
    return folder


@pytest.fixture
def pairs(corpus: Path, tmp_path: Path) -> Path:
    """A data set built from the corpus, with two variants of each sentence."""
    from unspin.data.build import build
    from unspin.data.config import BuildConfig

    sources = [{"kind": "folder", "name": "made", "path": str(corpus), "licence": "ours"}]
    config = BuildConfig(
        output=tmp_path / "pairs", variants=2, holdout_share=0.2, spinners={"phrases": 1.0}, sources=sources
    )
    build(config, "test")
    return config.output
