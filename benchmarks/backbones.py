"""Backbones of common shapes with random weights, to time training without a hub: ``python benchmarks/backbones.py FOLDER DATA``.

Writes FOLDER/t5-base and FOLDER/bart-base, with a tokenizer of 32,000 pieces that is learned from the originals of DATA.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from tokenizers.processors import TemplateProcessing
from transformers import BartConfig, BartForConditionalGeneration, PreTrainedModel, T5Config, T5ForConditionalGeneration
from unspin.train.batches import load_split

PIECES = 32_000
SPECIAL = ["<pad>", "<eos>", "<bos>", "<unk>"]
NUMBERS = {"pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 2}


def tokenizer_of(data: Path) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=PIECES, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(load_split(data, "train")["original"][:20_000], trainer)
    tokenizer.post_processor = TemplateProcessing(single="$A <eos>", special_tokens=[("<eos>", 1)])
    return tokenizer


def main(folder: Path, data: Path) -> None:
    tokenizer = tokenizer_of(data)
    t5 = T5Config(vocab_size=PIECES, d_model=768, d_ff=3072, num_layers=12, num_heads=12, decoder_start_token_id=0, **NUMBERS)
    sides = {f"{side}_{name}": n for side in ("encoder", "decoder") for name, n in (("layers", 6), ("ffn_dim", 3072), ("attention_heads", 12))}
    bart = BartConfig(vocab_size=PIECES, d_model=768, decoder_start_token_id=1, forced_eos_token_id=1, **sides, **NUMBERS)
    shapes: dict[str, PreTrainedModel] = {"t5-base": T5ForConditionalGeneration(t5), "bart-base": BartForConditionalGeneration(bart)}
    for name, model in shapes.items():
        model.save_pretrained(folder / name)
        tokenizer.save(str(folder / name / "tokenizer.json"))
        names = {f"{token.strip('<>')}_token": token for token in SPECIAL}
        (folder / name / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", **names}))
        print(f"{folder / name}: {model.num_parameters():,} weights")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
