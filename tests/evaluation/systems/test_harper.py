"""The grammar checker: it applies suggestions and leaves the rest alone."""

from unspin.evaluation.systems import load_system
from unspin.evaluation.systems.base import SystemSettings
from unspin.evaluation.systems.harper import Harper


def test_suggestions_are_applied_and_other_text_stays() -> None:
    harper = load_system("harper", SystemSettings())
    assert isinstance(harper, Harper)
    assert harper.restore(["It was an dog.", "They went home."]) == ["It was a dog.", "They went home."]
