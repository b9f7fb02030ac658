"""The model card of a finished run: what the checkpoint is, how well it restores, and how to train it again.

A stranger who has the data set can follow the card: it gives the command, the config, the versions, and checksums of
everything that the run started from. Its front matter follows the Hugging Face hub. Figures that nobody measured are
called estimates, with what they assume.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import EvalResult, ModelCardData
from unspin.data.card import code, fenced, table_row
from unspin.data.origin import read_origin
from unspin.data.plan import format_duration
from unspin.data.stats import stream
from unspin.evaluation.scores import INTERVAL
from unspin.infer.models import ARCHITECTURES
from unspin.infer.models.backbone import LICENCE_NOTE, PACKAGE
from unspin.logs import counted
from unspin.storage import local_copy
from unspin.train.attempts import WATTS_PER_CORE, Attempt, kilowatt_hours
from unspin.train.backbones import Backbone, resolve_precision
from unspin.train.batches import source_of
from unspin.train.config import TrainConfig
from unspin.train.save import base_model
from unspin.train.tokens import content_of
from unspin.train.validation import FIGURES

WORLD_AVERAGE = 445  # g of CO2 for a kWh in 2024 (International Energy Agency, Electricity 2025)
UNITS = {"over_correction": "words changed in 1,000 clean ones"}  # the other figures are shares, 0 to 1
NOT_RECORDED = "not recorded"
FEW_ARTICLES = 20


@dataclass(frozen=True)
class Run:
    """A finished run. `contents` comes from `resume.contents_of`, `record` is the content of `unspin.json`.

    `step` is the step whose weights were kept. `attempts` is empty if an earlier version trained the run.
    """

    config: TrainConfig
    backbone: Backbone
    contents: dict[str, str]
    record: dict[str, Any]
    log: Sequence[dict[str, Any]]
    step: int
    attempts: Sequence[Attempt]

    @property
    def evaluation(self) -> dict[str, Any] | None:
        """The evaluation of the weights that were kept, or None if they were not scored."""
        return next((each for each in self.record["validation"] if each["step"] == self.step), None)

    @property
    def data(self) -> Path:
        """The folder of the data set on this machine."""
        return local_copy(self.config.data)


def card(run: Run) -> str:
    """The model card, in Markdown. Reads the data set's card and record, and hashes the base model's weights."""
    sections = (
        ("Use", _use(run)),
        ("Scores", _scores(run)),
        ("Train it again", _training(run)),
        ("Hardware, time and energy", _resources(run)),
        ("Licences", _licences(run)),
        ("Data card", _data_card(run)),
    )
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in sections)
    return f"---\n{_front_matter(run)}\n---\n\n# unspin checkpoint\n\n{_summary(run)}\n\n{body}\n"


def _front_matter(run: Run) -> str:
    """Metadata for the hub. A base model in a local folder is left out: the hub knows models by name only."""
    config = run.config
    data = ModelCardData(
        language="en",
        license="gemma" if config.backbone == "default" else None,
        library_name="peft" if config.trainable == "adapter" else "transformers",
        tags=["text-restoration", "article-spinning"],
        base_model=None if Path(config.backbone).is_dir() else base_model(config),
        model_name=config.output.name,
        eval_results=list(_results(run)),
        co2_eq_emissions=_emissions(run.attempts),
    )
    return str(data.to_yaml())


def _results(run: Run) -> Iterator[EvalResult]:
    for name in FIGURES if run.evaluation else ():
        yield EvalResult(
            task_type="text2text-generation",
            task_name="Restoring spun text",
            dataset_type="unspin",
            dataset_name=Path(str(run.config.data)).name,
            dataset_split="validation",
            metric_type=name,
            metric_name=name,
            metric_value=round(run.evaluation[name], 4),  # type: ignore[index]
        )


def _emissions(attempts: Sequence[Attempt]) -> dict[str, Any] | None:
    energy = kilowatt_hours(attempts)
    if not attempts or energy is None:
        return None
    return {
        "emissions": float(_rounded(WORLD_AVERAGE * energy)),
        "source": f"estimate: {_rounded(energy)} kWh at the world average of {WORLD_AVERAGE} g of CO2 per kWh",
        "training_type": "fine-tuning",
        "hardware_used": "; ".join(_machines(attempts)),
    }


def _summary(run: Run) -> str:
    config = run.config
    base = code(base_model(config))
    what = {
        "adapter": f"It is a LoRA adapter of {base}",
        "layers": f"It is {base} with all weights but the embeddings trained further",
        "everything": f"It is {base} with all weights trained further",
    }[config.trainable]
    return (
        "Restores English sentences that an automatic article spinner garbled (replaced words by synonyms so that a "
        f"copied text looks new). {what}, fine-tuned on pairs of spun and original sentences by `unspin train`."
    )


def _use(run: Run) -> str:
    """Commands that restore an article, and the limits of what they restore."""
    settings = json.loads((run.backbone.folder / "config.json").read_text(encoding="utf-8"))
    is_fast = settings["model_type"] in ARCHITECTURES
    command = f"unspin restore ARTICLE.txt --checkpoint FOLDER{'' if is_fast else ' --engine transformers'}"
    engine = "" if is_fast else ', engine="transformers"'
    python = (
        "from unspin import Restorer\n\n"
        f'restorer = Restorer.from_pretrained("FOLDER"{engine})\n'
        "print(restorer.restore(text).text)"
    )
    return f"""\
FOLDER is the folder of this file.

{fenced(command, "sh")}

{fenced(python, "python")}

It is meant for reading and cleaning spun English text. A restoration is a good guess, not evidence of what the
original said. The restorer protects names, numbers, dates and negations; these weights alone do not. Confidences are
{"those of the adapter that it continues" if "calibration" in run.record else "uncalibrated"} until `unspin calibrate`
has been run."""


def _scores(run: Run) -> str:
    """The scores of the weights that were kept, or a sentence that says that there are none."""
    table = (
        "`unspin evaluate CONFIG checkpoint=FOLDER` measures them on unseen spinners, unseen words and clean text, "
        "beside other systems (`configs/eval` in the repository)."
    )
    scores = run.evaluation
    if scores is None:
        why = "evaluated other weights than these" if run.record["validation"] else "had no evaluation (`eval_steps`)"
        return f"These weights have not been scored: the run {why}. {table}"
    articles = scores.get("articles", 0)
    rows = f"{counted(scores['rows'], 'row')} (from {counted(articles, 'article')})" if articles else "rows"
    interval, copying = scores.get("interval", {}), scores.get("copying", {})
    lines = [
        f"On {rows} of the validation split, at step {scores['step']:,}, with every edit made that keeps the facts:",
        "",
        table_row("figure", "restored", f"{INTERVAL} % interval", "copying the input"),
        table_row("---", "---:", "---", "---:"),
        *(
            table_row(
                f"{name} ({UNITS[name]})" if name in UNITS else name,
                f"{scores[name]:.3f}",
                f"{interval[name][0]:.3f} to {interval[name][1]:.3f}" if interval else NOT_RECORDED,
                f"{copying[name]:.3f}" if copying else NOT_RECORDED,
            )
            for name in FIGURES
        ),
        "",
        " ".join((*_reservations(articles, len(run.record["validation"])), table)),
    ]
    return "\n".join(lines)


def _reservations(articles: int, evaluations: int) -> Iterator[str]:
    """What to bear in mind about the scores."""
    yield "Intervals are percentiles of a bootstrap over articles."
    if articles < FEW_ARTICLES:
        yield f"With fewer than {FEW_ARTICLES} articles they are too narrow."
    yield "The articles were not trained on, but the spinners that garbled them were."
    if evaluations > 1:
        yield "The weights were chosen by f0.5 on these rows, which flatters them a little."


def _training(run: Run) -> str:
    """The commands of the run, its config, and what it started from."""
    config = run.config
    commands = list(dict.fromkeys(attempt.command for attempt in run.attempts if attempt.command))
    given = fenced("\n".join(commands), "sh") if commands else "The run was started from Python, or not recorded."
    settings = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    launcher, module, _ = (commands or [""])[-1].partition("-m unspin.train ")
    program = launcher + module if module else "unspin train "
    lasting = (
        "The run had a time limit, so its weights depend on the speed of the machine."
        if config.time_limit
        else "Same data, base model, versions and machine give the same weights (`checksums.json`)."
    )
    return f"""\
The run was started by:

{given}

This is its whole configuration. Paths are relative to the folder in which the command was run. Saved there as
`train.yaml`, it starts the same run with:

{fenced(f"{program}train.yaml output=runs/train/again", "sh")}

{fenced(settings, "yaml")}

{lasting} The only seed is `seed`, {config.seed}: it decides the new weights, dropout and the order of batches.

What the run started from, with SHA-256 checksums over the checksums of the files:

{_table(("started from", ""), _starts(run))}

{_table(("software", "version"), (*run.record["versions"].items(), ("revision of unspin", run.record["revision"])))}"""


def _starts(run: Run) -> Iterator[tuple[str, str]]:
    """What the run started from, with checksums as of `tokens.content_of`."""
    config, contents = run.config, run.contents
    yield "data", f"{code(config.data)}: {run.record['figures']['rows']:,} training rows, {code(contents['data'])}"
    weights = sorted(run.backbone.folder.glob("*.safetensors"))
    snapshot = run.backbone.folder  # a model of the hub lies in snapshots/REVISION
    origin = (
        f", converted from {code(PACKAGE)}"
        if config.backbone == "default"
        else f", revision {code(snapshot.name)}"
        if snapshot.parent.name == "snapshots"
        else ""
    )
    digest = contents.get("backbone") or content_of(weights)
    yield "base model", f"{code(base_model(config))}{origin}, {code(digest)}"
    if config.adapter is not None:
        yield "adapter", f"{code(config.adapter)}, {code(contents['adapter'])}"


def _resources(run: Run) -> str:
    """What the run took; of runs of earlier versions, what their log tells."""
    figures = run.record["figures"]
    rows = [("steps", f"{figures['steps']:,}"), ("pairs seen", f"{figures['pairs_seen']:,}")]
    rows += [("precision", resolve_precision(run.config.precision))]
    if gigabytes := [entry["gigabytes"] for entry in run.log if "gigabytes" in entry]:
        rows += [("memory of a process", f"up to {max(gigabytes):.1f} GB, read whenever the loss is logged")]
    if not run.attempts:
        return f"{_table(('this run', ''), rows)}\n\nTime, hardware and energy were {NOT_RECORDED}."
    seconds, tokens = (sum(getattr(each, name) for each in run.attempts) for name in ("seconds", "tokens"))
    rows += [
        ("time", f"{format_duration(seconds)}, from start to the last step, loading and evaluations included"),
        (
            "tokens",
            f"{tokens:,}, padding included; {tokens / seconds:,.0f} a second on average" if seconds else f"{tokens:,}",
        ),
        *(("hardware", machine) for machine in _machines(run.attempts)),
        ("energy", _energy(run.attempts)),
    ]
    parts = [_table(("this run", ""), rows)]
    if run.attempts[0].first_step:
        parts.append(
            f"The first {run.attempts[0].first_step:,} steps were trained by an earlier attempt without a record: what "
            "they took is not included."
        )
    if len(run.attempts) > 1:
        parts.append(_attempts(run.attempts))
    return "\n\n".join(parts)


def _attempts(attempts: Sequence[Attempt]) -> str:
    rows = (
        (f"{each.began} UTC", f"{each.first_step:,} to {each.last_step:,}", format_duration(each.seconds))
        for each in attempts
    )
    return (
        "The run was interrupted and resumed. Time, tokens and energy include steps that were trained twice.\n\n"
        f"{_table(('attempt began', 'steps', 'time'), rows)}"
    )


def _machines(attempts: Sequence[Attempt]) -> list[str]:
    return list(dict.fromkeys(str(attempt.machine) for attempt in attempts))


def _energy(attempts: Sequence[Attempt]) -> str:
    """The estimate with its method."""
    hours = sum(each.core_seconds * each.machine.processes for each in attempts) / 3600
    method = f"{_rounded(hours)} core hours at an assumed {WATTS_PER_CORE:.0f} W"
    energy = kilowatt_hours(attempts)
    if energy is None:
        return f"not estimated: the GPU has no energy counter that could be read; its computer used {method}"
    if any(each.machine.gpu for each in attempts):
        method = f"the GPU's own counter (NVML), and {method}"
    if any(each.machine.processes > 1 for each in attempts):
        method += "; measured in the first process and multiplied by the number of processes"
    return (
        f"roughly {_rounded(1000 * energy)} Wh, an estimate: {method}. At the world average of {WORLD_AVERAGE} g of CO2"
        f" per kWh that is {_rounded(WORLD_AVERAGE * energy)} g; cooling and manufacture are not included"
    )


def _licences(run: Run) -> str:
    """The licence of the base model, and the sources of the data with theirs."""
    config = run.config
    base = (
        f"{LICENCE_NOTE}."
        if config.backbone == "default"
        else f"The licence of the base model, {code(config.backbone)}, applies."
    )
    origin = read_origin(run.data)
    if origin is None:
        return f"{base} The data set has no record of its sources (`origin.json`), so their licences are unknown."
    sizes = _sizes(run.data)
    rows = [
        (name, source.get("licence") or NOT_RECORDED, *sizes.pop(name, ("0", "0")))
        for name, source in origin.get("sources", {}).items()
    ]
    rows += [(name, NOT_RECORDED, *size) for name, size in sizes.items()]
    parts = [f"{base} The training split was made from:", _table(("source", "licence", "articles", "rows"), rows)]
    if dictionaries := origin.get("dictionaries"):
        names = ", ".join(map(code, dictionaries))
        parts.append(f"Spun with the dictionaries {names}, whose terms the data card below has.")
    return "\n\n".join(parts)


def _sizes(data: Path) -> dict[str, tuple[str, str]]:
    """Articles and rows of each source in the training split."""
    counts = Counter(row["article_id"] for row in stream((data / "train").glob("*.parquet"), ["article_id"]))
    found: dict[str, list[int]] = {}
    for article, count in counts.items():
        size = found.setdefault(source_of(article), [0, 0])
        size[0] += 1
        size[1] += count
    return {source: (f"{articles:,}", f"{rows:,}") for source, (articles, rows) in found.items()}


def _data_card(run: Run) -> str:
    """The data set's own card, which says how to build it, without its front matter and with lower headings."""
    file = run.data / "README.md"
    if not file.is_file():
        return "The data set has no data card."
    body = file.read_text(encoding="utf-8").split("---\n", 2)[-1].strip()
    return "\n".join(f"##{line}" if line.startswith("#") else line for line in body.splitlines())


def _table(header: tuple[str, ...], rows: Iterator[tuple[str, ...]] | Sequence[tuple[str, ...]]) -> str:
    return "\n".join([table_row(*header), table_row(*("---" for _ in header)), *(table_row(*row) for row in rows)])


def _rounded(number: float) -> str:
    """A number with two significant digits, never as a power of ten."""
    return f"{float(f'{number:.2g}'):.12f}".rstrip("0").rstrip(".")
