"""The language-model baseline: the windows it scores, and that each window is scored once."""

from unspin.edits import Edit
from unspin.evaluation.systems.noisy_channel import WINDOW, NoisyChannel, _windows


def test_a_window_holds_ten_words_on_either_side() -> None:
    before, after = (" ".join(str(i) for i in numbers) for numbers in (range(30), range(30, 60)))
    text = f"{before} warfare {after}"
    edit = Edit(len(before) + 1, len(before) + 8, "war")
    spun, restored = _windows(text, edit)
    assert spun.split() == [*before.split()[-WINDOW:], "warfare", *after.split()[:WINDOW]]
    assert restored.split() == [*before.split()[-WINDOW:], "war", *after.split()[:WINDOW]]


def test_gains_are_differences_of_log_probabilities_and_windows_are_scored_once() -> None:
    channel = NoisyChannel.__new__(NoisyChannel)
    channel._log_probabilities = {}
    scored: list[str] = []
    channel.__dict__["_scorer"] = lambda texts: [scored.append(text) or -float(len(text)) for text in texts]
    edit = Edit(4, 11, "war")
    channel.candidates = lambda text: iter([edit])  # type: ignore[method-assign]
    for _ in range(2):
        assert channel.gains("The warfare ended.") == [(4.0, edit)]
    assert scored == ["The war ended.", "The warfare ended."]
