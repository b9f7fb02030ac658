"""Messages on the terminal: the bare text for INFO, the level before warnings, nothing below INFO."""

import logging
from collections.abc import Iterator

import pytest
from unspin.logs import counted, log_to_terminal, track, working


@pytest.fixture(autouse=True)
def restored_logger() -> Iterator[None]:
    """Undo what a test changes on the package's logger."""
    logger = logging.getLogger("unspin")
    handlers, level, propagate = logger.handlers, logger.level, logger.propagate
    yield
    logger.handlers, logger.propagate = handlers, propagate
    logger.setLevel(level)


def test_messages_go_to_standard_error_once(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_terminal()
    log_to_terminal()
    logger = logging.getLogger("unspin.some.module")
    logger.debug("not shown")
    logger.info("3 stages submitted")
    logger.warning("2 rows skipped")
    output = capsys.readouterr()
    assert output.err == "3 stages submitted\nwarning: 2 rows skipped\n"
    assert output.out == ""


def test_one_of_something_is_in_the_singular() -> None:
    assert [counted(number, "text") for number in (0, 1, 2000)] == ["0 texts", "1 text", "2,000 texts"]


def test_progress_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(track([1, 2, 3], "counting")) == [1, 2, 3]
    output = capsys.readouterr()
    assert "counting" in output.err and "100%" in output.err and output.out == ""


def test_work_is_shown_on_a_terminal_only(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with working("loading"):
        pass
    assert capsys.readouterr() == ("", "")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")  # for rich, a terminal
    with working("loading"):
        pass
    output = capsys.readouterr()
    assert "loading" in output.err and output.out == ""
