"""Surprisal: sums agree with transformers' own logits, and each token is counted as garbled or sound."""

from pathlib import Path

import pytest
import torch
from peft import AutoPeftModelForCausalLM
from unspin.config import load_config
from unspin.evaluation import surprisal
from unspin.evaluation.config import EvalConfig
from unspin.evaluation.suites.base import Row
from unspin.evaluation.surprisal import Surprisal, SurprisalModel, main, sum_surprisals
from unspin.infer.models.prompt import Prompt

SPUN, ORIGINAL = "The warfare had ended.", "The war had ended."


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unspin.infer.models.checkpoint.cache_folder", lambda: tmp_path / "cache")


def test_the_sums_are_those_of_the_model(tiny_base: Path, tiny_adapter: Path) -> None:
    prompt = Prompt.from_folder(tiny_base)
    source, target = prompt.source_ids(SPUN), prompt.target_ids(ORIGINAL)
    model = AutoPeftModelForCausalLM.from_pretrained(tiny_adapter, dtype=torch.bfloat16).float()
    logits = model(input_ids=torch.tensor([[*source, *target]])).logits[0, len(source) - 1 : -1]
    nats = torch.log_softmax(logits, 1)[torch.arange(len(target)), target]
    first, last = len(prompt.text_ids("The")), len(prompt.text_ids("The war"))
    sums = SurprisalModel(str(tiny_adapter)).measure(Row("a", SPUN, (ORIGINAL,)))
    assert (sums.garbled, sums.sound) == (last - first, len(target) - (last - first))
    assert sums.garbled_nats == pytest.approx(float(nats[first:last].sum()), rel=0.02)
    assert sums.garbled_nats + sums.sound_nats == pytest.approx(float(nats.sum()), rel=0.02)


def test_tokens_with_a_character_in_a_garbled_span_are_garbled() -> None:
    offsets = [(0, 4), (4, 6), (6, 8), (8, 12), (12, 13)]  # " The", " w", "ar", " had", "."
    assert list(surprisal._in_spans([(4, 7)], offsets)) == [False, True, True, False, False]
    assert not any(surprisal._in_spans([(4, 4)], offsets)), "words that must be removed have no token in the original"


def test_rows_are_summed_by_suite_and_tool(tiny_adapter: Path, tmp_path: Path) -> None:
    (tmp_path / "pairs.tsv").write_text(f"tool\tspun\toriginal\nA\t{SPUN}\t{ORIGINAL}\nB\t{SPUN}\t{ORIGINAL}\n")
    overrides = [f"real={tmp_path}/pairs.tsv", "suites=[]", f"checkpoint={tiny_adapter}"]
    sums = dict(main(load_config(Path("configs/eval/real.yaml"), EvalConfig, overrides)))
    assert list(sums) == ["real", "real: A", "real: B"]
    assert sums["real"] == sum_surprisals([sums["real: A"], sums["real: B"]])
    assert "nats, " in sums["real"].line() and sum_surprisals([Surprisal(0, 0, 0, 0, 0, 0)]).line().startswith(
        "garbled: 0.000"
    )
