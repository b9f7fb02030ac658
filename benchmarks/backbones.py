"""Writes backbones of common shapes with random weights, to time training without a download.

``python -m benchmarks.backbones FOLDER DATA`` writes FOLDER/t5-base and FOLDER/bart-base, with a byte-level BPE
tokenizer of 32,000 tokens trained on the originals of the data set DATA.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from tokenizers.processors import TemplateProcessing
from transformers import BartConfig, BartForConditionalGeneration, PreTrainedModel, T5Config, T5ForConditionalGeneration
from unspin.data.load import load_split

VOCABULARY_SIZE = 32_000
TRAINING_TEXTS = 20_000
SPECIAL_TOKENS = ["<pad>", "<eos>", "<bos>", "<unk>"]
SPECIAL_IDS = {"pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 2}


def train_tokenizer(data: Path) -> Tokenizer:
    """Train a tokenizer on the originals of the training split. Raises `DataError` if the data set is incomplete."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_SIZE,
        special_tokens=SPECIAL_TOKENS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(load_split(data, "train")["original"][:TRAINING_TEXTS], trainer)
    tokenizer.post_processor = TemplateProcessing(single="$A <eos>", special_tokens=[("<eos>", 1)])
    return tokenizer


def random_t5() -> PreTrainedModel:
    """A T5 with the shape of T5 base."""
    shape = {"d_model": 768, "d_ff": 3072, "num_layers": 12, "num_heads": 12}
    return T5ForConditionalGeneration(
        T5Config(vocab_size=VOCABULARY_SIZE, decoder_start_token_id=0, **shape, **SPECIAL_IDS)
    )


def random_bart() -> PreTrainedModel:
    """A BART with the shape of BART base."""
    sizes = {"layers": 6, "ffn_dim": 3072, "attention_heads": 12}
    shape = {f"{side}_{name}": size for side in ("encoder", "decoder") for name, size in sizes.items()}
    ids = {"decoder_start_token_id": 1, "forced_eos_token_id": 1, **SPECIAL_IDS}
    return BartForConditionalGeneration(BartConfig(vocab_size=VOCABULARY_SIZE, d_model=768, **shape, **ids))


def save(model: PreTrainedModel, tokenizer: Tokenizer, folder: Path) -> None:
    """Write a plain transformers folder."""
    model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    names = {f"{token.strip('<>')}_token": token for token in SPECIAL_TOKENS}
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", **names}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


def main() -> None:
    """Run the script."""
    if len(sys.argv) != 3:
        sys.exit("usage: python -m benchmarks.backbones FOLDER DATA")
    folder, data = map(Path, sys.argv[1:])
    tokenizer = train_tokenizer(data)
    for name, model in {"t5-base": random_t5(), "bart-base": random_bart()}.items():
        save(model, tokenizer, folder / name)
        print(f"{folder / name}: {model.num_parameters():,} weights")


if __name__ == "__main__":
    main()
