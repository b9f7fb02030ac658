"""What the tests of all kinds of facts share."""

from collections.abc import Callable

import pytest
from unspin.edits import align
from unspin.infer.fidelity.context import Context
from unspin.infer.fidelity.judge import violation


@pytest.fixture
def refusals() -> Callable[..., list[str]]:
    """Lists why the edits from one sentence to another are refused, each by itself."""

    def list_refusals(source: str, target: str, article: str = "") -> list[str]:
        context = Context(f"{source}\n{article}")
        return [reason for edit in align(source, target) if (reason := violation(source, edit, context))]

    return list_refusals
