"""Configs: mistakes are named with file and key, paths resolve against their file, and every shipped file is valid."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, get_args

import pytest
from pydantic import Field
from unspin.config import Config, ConfigError, load_config
from unspin.data.config import BuildConfig
from unspin.evaluation.config import CalibrateConfig, EvalConfig
from unspin.storage import PathOrUrl
from unspin.train.config import SelfTrainConfig, TrainConfig

ROOT = Path(__file__).parents[2]
MODELS = {
    "data": BuildConfig,
    "train": TrainConfig,
    "eval": EvalConfig,
    "calibrate": CalibrateConfig,
    "self-train": SelfTrainConfig,
}
SHIPPED = sorted(path for kind in MODELS for path in (ROOT / "configs" / kind).glob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_shipped_config_is_valid_and_opens_with_its_command(path: Path) -> None:
    hash_mark, program, _, shown, *overrides = path.read_text().splitlines()[0].split()
    assert (hash_mark, program, shown) == ("#", "unspin", f"configs/{path.parent.name}/{path.name}")
    load_config(path, MODELS[path.parent.name], overrides)


@pytest.mark.parametrize(
    "path",
    [path for path in SHIPPED if path.parent.name != "calibrate"],  # calibration writes into its checkpoint
    ids=lambda path: f"{path.parent.name}/{path.name}",
)
def test_shipped_config_writes_below_runs(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    overrides = path.read_text().splitlines()[0].split()[4:]
    config = load_config(path.relative_to(ROOT), MODELS[path.parent.name], overrides)
    assert Path(config.output).parts[0] == "runs"


def _write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "run.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "data: d\noutput: o\nmax_steps: 5\nlearning_rat: 1",
            "unknown key 'learning_rat' with value 1; did you mean 'learning_rate'?",
        ),
        (
            "data: d\noutput: o\nmax_steps: 5\nlora: {rnak: 1}",
            "unknown key 'lora.rnak' with value 1; did you mean 'lora.rank'?",
        ),
        ("data: d\noutput: o\nmax_steps: many", "max_steps: Input should be a valid integer.*found 'many'"),
        ("output: o\nmax_steps: 5", "key 'data' is missing"),
        ("data: d\noutput: o", "give .*steps, or a time_limit such as 20m"),
        ("- 1", "expected keys and values, found list"),
        ("a: [", "not YAML"),
        ("inherits: run.yaml", "'inherits' leads back to itself"),
        ("inherits: gone.yaml", "inherits: .*gone.yaml is missing: correct the name"),
        ("inherits: [a.yaml]", r"inherits: expected the name of one file, found \['a.yaml'\]"),
        (
            "data: d\noutput: o\nsteps: 5\nlongest: 90",
            "'steps' is called 'max_steps' now; 'longest' is called 'max_tokens' now$",
        ),
        (
            "data: d\noutput: o\nmax_steps: 5\nlora: {targets: all-linear}",
            "'lora.targets' is called 'lora.target_modules' now$",
        ),
        ("data: d\noutput: s3://bucket/run\nmax_steps: 5", "output: expected a path on this machine, not an address"),
    ],
)
def test_mistakes_are_explained(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=f"run.yaml: {complaint}"):
        load_config(_write(tmp_path, text), TrainConfig)


def test_renamed_keys_are_named_without_a_file_too() -> None:
    with pytest.raises(ValueError, match="'steps' is called 'max_steps' now"):
        TrainConfig.model_validate({"data": "d", "output": "o", "steps": 5})


def test_overrides_and_inheritance(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("data: d\noutput: o\nmax_steps: 5\nlora: {rank: 4, alpha: 8}")
    path = _write(tmp_path, "inherits: base.yaml\nlora: {rank: 2}")
    config = load_config(path, TrainConfig, ["learning_rate=1e-5", "lora.alpha=3"])
    assert (config.lora.rank, config.lora.alpha, config.learning_rate, config.max_steps) == (2, 3, 1e-5, 5)


LISTS = "output: o\npairs:\n- {name: mine, path: a.tsv, licence: mine}\n"


def test_an_override_changes_an_entry_of_a_list(tmp_path: Path) -> None:
    config = load_config(_write(tmp_path, LISTS), BuildConfig, ["pairs.0.path=b.tsv", "pairs.0.spun=before"])
    (pairs,) = config.pairs
    assert (pairs.name, pairs.path, pairs.spun) == ("mine", Path("b.tsv"), "before")


@pytest.mark.parametrize(
    ("override", "complaint"),
    [
        ("pairs.1.path=b.tsv", r"'1' is in a list of 1: name an entry by its number, from 0, or replace .* key=\[…\]"),
        ("pairs.path=b.tsv", "'path' is in a list of 1"),
        ("pairs.-1.path=b.tsv", "'-1' is in a list of 1"),
        ("pairs.0.name.x=1", "'name' is a value, not a section"),
        ("pairs.0.originals=y", "unknown key 'pairs.0.originals' with value 'y'; did you mean 'pairs.0.original'"),
    ],
)
def test_a_wrong_entry_of_a_list_is_explained(tmp_path: Path, override: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=f"override '.*': {complaint}"):
        load_config(_write(tmp_path, LISTS), BuildConfig, [override])


@pytest.mark.parametrize(
    ("override", "complaint"),
    [
        ("steps", "write it as key=value"),
        ("seed.low=1", "'seed' is a value, not a section"),
        ("seed=[1", "the value is not YAML"),
        ("seed=many", "seed: Input should be a valid integer"),
        ("lora={rank: many}", "lora.rank: Input should be a valid integer"),
        ("sead=1", "unknown key 'sead' with value 1; did you mean 'seed'"),
        ("rank=1", "unknown key 'rank' with value 1; did you mean 'lora.rank'"),
        ("lora.learning_rate=1", "unknown key 'lora.learning_rate' with value 1; did you mean 'learning_rate'"),
        ("zzz=1", "unknown key 'zzz' with value 1$"),
        ("steps=4", "'steps' is called 'max_steps' now"),
        ("lora.targets=all", "'lora.targets' is called 'lora.target_modules' now"),
    ],
)
def test_wrong_overrides_are_explained(tmp_path: Path, override: str, complaint: str) -> None:
    path = _write(tmp_path, "data: d\noutput: o\nmax_steps: 5\nseed: 1")
    with pytest.raises(ConfigError, match=f"override '.*': {complaint}"):
        load_config(path, TrainConfig, [override])


class Texts(Config):
    """A source of a kind whose `place` is a path."""

    kind: Literal["texts"]
    place: Path


class Service(Config):
    """A source of a kind whose `place` is not a path."""

    kind: Literal["service"]
    place: str


class PathConfig(Config):
    """One field for each way in which a config can hold a path."""

    renamed: ClassVar = {"files": "inputs"}

    one: Path | None = None
    store: PathOrUrl | None = None
    inputs: list[Path] = Field(default_factory=list)
    stores: tuple[PathOrUrl, ...] = ()
    by_name: dict[str, Path] = Field(default_factory=dict)
    model: str = "default"
    sources: list[Annotated[Texts | Service, Field(discriminator="kind")]] = Field(default_factory=list)
    named_sources: dict[str, Texts] = Field(default_factory=dict)
    nested: Texts | None = None


@pytest.mark.parametrize(
    ("text", "field", "expected"),
    [
        ("one: a/b", "one", "configs/a/b"),
        ("one: ../a", "one", "a"),
        ("one: /a/b", "one", "/a/b"),
        ("one: ~/a", "one", "~/a"),
        ("store: a", "store", "configs/a"),
        ("store: memory://bucket/a", "store", "memory://bucket/a"),
        ("inputs: [a, ../b]", "inputs", ["configs/a", "b"]),
        ("stores: [a, memory://bucket/b]", "stores", ["configs/a", "memory://bucket/b"]),
        ("by_name: {first: a, second: /b}", "by_name", {"first": "configs/a", "second": "/b"}),
        ("model: default", "model", "default"),
        ("model: google/flan-t5-base", "model", "google/flan-t5-base"),
        ("model: ./default", "model", "configs/default"),
        ("model: ../runs/a", "model", "runs/a"),
        ("sources: [{kind: texts, place: a}]", "sources", [{"kind": "texts", "place": "configs/a"}]),
        ("sources: [{kind: service, place: a}]", "sources", [{"kind": "service", "place": "a"}]),
        (
            "named_sources: {x: {kind: texts, place: a}}",
            "named_sources",
            {"x": {"kind": "texts", "place": "configs/a"}},
        ),
        ("nested: {kind: texts, place: a}", "nested", {"kind": "texts", "place": "configs/a"}),
        ('one: "{corpora}/a"', "one", "{corpora}/a"),
    ],
)
def test_paths_are_relative_to_their_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, field: str, expected: object
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "configs" / "run.yaml"
    file.parent.mkdir()
    file.write_text(text)
    config = load_config(Path("configs/run.yaml"), PathConfig)
    assert _as_text(getattr(config, field)) == expected


def _as_text(value: object) -> object:
    """A field's value with its paths as text and its tuples as lists."""
    if isinstance(value, Config):
        return {name: _as_text(part) for name, part in value}
    if isinstance(value, dict):
        return {key: _as_text(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_text(part) for part in value]
    return value if isinstance(value, str) else str(value)


def test_inherited_paths_are_relative_to_the_file_that_has_them(tmp_path: Path) -> None:
    for folder in ("shared", "own"):
        (tmp_path / folder).mkdir()
    (tmp_path / "shared" / "base.yaml").write_text("one: a\nmodel: ./m\nnested: {kind: texts, place: b}")
    path = tmp_path / "own" / "run.yaml"
    path.write_text("inherits: ../shared/base.yaml\ninputs: [c]")
    config = load_config(path, PathConfig)
    assert config.one == tmp_path / "shared" / "a"
    assert config.model == str(tmp_path / "shared" / "m")
    assert config.nested is not None
    assert config.nested.place == tmp_path / "shared" / "b"
    assert config.inputs == [tmp_path / "own" / "c"]


def test_paths_in_overrides_are_relative_to_the_working_directory(tmp_path: Path) -> None:
    path = _write(tmp_path, "one: a\nnested: {kind: texts, place: b}")
    config = load_config(path, PathConfig, ["one=x/y", "nested.place=z", "model=./m"])
    assert (config.one, config.model) == (Path("x/y"), "./m")
    assert config.nested is not None
    assert config.nested.place == Path("z")


def test_the_folder_of_corpora_replaces_its_placeholder(tmp_path: Path) -> None:
    source = "{kind: folder, name: n, path: '{corpora}/texts', licence: ours}"
    text = f"output: out\nspinners: {{phrases: 1}}\nsources: [{source}]\n"
    config = load_config(_write(tmp_path, text + "corpora: store"), BuildConfig)
    assert str(config.sources[0].path) == str(tmp_path / "store" / "texts")
    config = load_config(_write(tmp_path, text), BuildConfig, ["corpora=store"])
    assert str(config.sources[0].path) == str(Path("store/texts").absolute())
    config = load_config(_write(tmp_path, text + "corpora: ~/store"), BuildConfig)
    assert str(config.sources[0].path) == os.path.expanduser("~/store/texts")  # noqa: PTH111
    with pytest.raises(ConfigError, match="set corpora=FOLDER"):
        load_config(_write(tmp_path, text), BuildConfig)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("one: a\nnested: {kind: texts}\none: b\n", "key 'one' occurs twice: join both"),
        ("inputs: &a [*a]\n", r"aliases \(\*name\) are not read: write the value out"),
        ("one: &a x\n<<: [*a, *a]\n", r"aliases \(\*name\) are not read"),
        ("one: " + "[" * 5000, "nested too deeply"),
        ("one: 2001-99-99\n", r"month must be in 1\.\.12"),
        ("? [a]\n: 1\n", "found unhashable key"),
        ("one: !!python/object/apply:os.system [ls]\n", "could not determine a constructor"),
        ("one: !!bool foo\n", "foo"),
        ("one: !!int ''\n", "index out of range"),
        ("one: !!timestamp foo\n", "NoneType"),
        ("one: \x00\n", "special characters are not allowed"),
    ],
)
def test_yaml_that_cannot_be_read_is_refused(text: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=rf"run\.yaml: not YAML: .*{complaint}"):
        load_config(_write(tmp_path, text), PathConfig)


class Numbers(Config):
    """Values that YAML 1.1 would take for numbers to the base of sixty."""

    time: str
    seed: int = 0


def test_a_number_with_colons_is_text(tmp_path: Path) -> None:
    assert load_config(_write(tmp_path, "time: 1:30:00\nseed: 0x1F\n"), Numbers) == Numbers(time="1:30:00", seed=31)
    assert load_config(_write(tmp_path, "time: !!float 1:30.5\n"), Numbers).time == "1:30.5"
    long = "1" + ":1" * 1_000_000  # which would take hours
    with pytest.raises(ConfigError, match="seed: Input should be a valid integer"):
        load_config(_write(tmp_path, f"time: ''\nseed: {long}\n"), Numbers)


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("[1", "expected ',' or ']'"),
        ("2001-99-99", "month must be"),
        ("[" * 5000, "too deeply"),
        ("{a: 1, a: 2}", "twice"),
    ],
)
def test_an_override_whose_value_cannot_be_read_is_refused(value: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=rf"the value is not YAML: .*{complaint}"):
        load_config(_write(tmp_path, "one: a"), PathConfig, [f"one={value}"])


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_bytes(b"one: \xc0\xff")
    with pytest.raises(ConfigError, match="not YAML"):
        load_config(path, PathConfig)


def test_odd_paths_and_keys_are_refused(tmp_path: Path) -> None:
    for override, complaint in (
        ('one="a\\0"', "one: expected a path, and no path holds a null character"),
        ('model="a\\ud800"', "model: expected a text, and no text holds a null character or half a surrogate pair"),
        ('by_name={"a\\0": b}', "by_name: expected a text, and no text holds a null character"),
        (f"sources=[{{kind: {'x' * 5000}}}]", r"sources\.0: Input tag 'x{900,1000} …, found"),
        (f"inputs.{'9' * 5000}=x", "is in a list of 1: name an entry by its number"),
        ("two=0x" + "f" * 5000, "unknown key 'two' with value a value that is too long to show"),
        ("a." * 2000 + "a=1", "unknown key 'a'"),
    ):
        with pytest.raises(ConfigError, match=complaint):
            load_config(_write(tmp_path, "one: a\ninputs: [b]"), PathConfig, [override])


def test_a_long_value_is_cut_in_messages(tmp_path: Path) -> None:
    for text in (
        "inputs: 1\none: [" + "x, " * 1_000_000 + "]",
        "two: " + "x" * 1_000_000,
        "inherits: [" + "x, " * 9999 + "]",
    ):
        with pytest.raises(ConfigError) as error:
            load_config(_write(tmp_path, text), PathConfig)
        assert 200 < len(str(error.value)) < 1000 and " …" in str(error.value)


def test_an_error_below_a_key_that_is_called_like_a_kind_is_located(tmp_path: Path) -> None:
    path = _write(tmp_path, "output: o\nsuites: [{kind: data, name: x, data: d, split: train}]")
    with pytest.raises(ConfigError, match=r"suites\.0\.split: Input should be 'validation' or 'test'"):
        load_config(path, EvalConfig)


def test_an_override_with_a_key_that_does_not_exist_is_named(tmp_path: Path) -> None:
    path = _write(tmp_path, "data: d\noutput: o\nmax_steps: 1")
    with pytest.raises(ConfigError, match=r"override 'foo\.bar=3': unknown key 'foo'"):
        load_config(path, TrainConfig, ["foo.bar=3"])


@pytest.mark.parametrize(
    ("written", "read"), [("wandb", ("wandb",)), ("[wandb, mlflow]", ("wandb", "mlflow")), ("[]", ())]
)
def test_a_single_name_stands_for_a_list_of_one(written: str, read: tuple[str, ...], tmp_path: Path) -> None:
    path = _write(tmp_path, "data: d\noutput: o\nmax_steps: 1")
    assert load_config(path, TrainConfig, [f"report_to={written}"]).report_to == read
    with pytest.raises(ConfigError, match=r"override 'report_to=wandbb': report_to\.0: Input should be 'tensorboard'"):
        load_config(path, TrainConfig, ["report_to=wandbb"])


def test_a_key_in_a_list_is_named_without_the_kind_of_its_section(tmp_path: Path) -> None:
    path = _write(tmp_path, "sources: [{kind: texts, place: a}, {kind: service}]")
    with pytest.raises(ConfigError, match=r"key 'sources\.1\.place' is missing"):
        load_config(path, PathConfig)


def _configs(base: type[Config] = Config) -> Iterator[type[Config]]:
    for model in base.__subclasses__():
        yield model
        yield from _configs(model)


def _number_in(annotation: Any) -> type | None:
    """The type of number that a field takes, also as the values of a mapping."""
    kinds = (annotation, *(_number_in(part) for part in get_args(annotation)))
    return next((kind for kind in kinds if kind in (int, float)), None)


NUMBERS = [
    (model, name, kind)
    for model in _configs()
    if model.__module__.startswith("unspin.")
    for name, field in model.model_fields.items()
    if (kind := _number_in(field.annotation))
]


@pytest.mark.parametrize(("model", "name", "kind"), NUMBERS, ids=lambda it: getattr(it, "__name__", it))
@pytest.mark.parametrize("value", ["1" + "0" * 30, "-1" + "0" * 30, ".nan", ".inf", "-.inf", "1.0e+308"])
def test_no_number_is_without_bounds(model: type[Config], name: str, kind: type, value: str, tmp_path: Path) -> None:
    is_mapping = "dict" in str(model.model_fields[name].annotation)
    with pytest.raises(ConfigError, match=name) as error:
        load_config(_write(tmp_path, f"{name}: {f'{{a: {value}}}' if is_mapping else value}"), model)
    assert "\n" not in str(error.value) and len(str(error.value)) < 2000


def test_every_number_of_the_configs_is_tested() -> None:
    assert len(NUMBERS) > 50
    assert {model.__name__ for model, _, _ in NUMBERS} >= {"TrainConfig", "BuildConfig", "EvalConfig", "Slurm", "Tools"}
