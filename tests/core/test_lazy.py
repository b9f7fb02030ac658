"""Properties that are computed once."""

import os
import threading

from unspin.lazy import cached_property


class Slow:
    """Computes its value when it is allowed to."""

    def __init__(self) -> None:
        self.begun, self.allowed = threading.Event(), threading.Event()
        self.computed = 0

    @cached_property
    def value(self) -> int:
        self.begun.set()
        self.allowed.wait(30)
        self.computed += 1
        return self.computed


def test_a_value_is_computed_once() -> None:
    slow = Slow()
    slow.allowed.set()
    assert [slow.value, slow.value] == [1, 1]


def test_a_process_that_is_forked_meanwhile_computes_its_own() -> None:
    slow, other = Slow(), Slow()
    other.allowed.set()
    thread = threading.Thread(target=lambda: slow.value)
    thread.start()
    slow.begun.wait()
    child = os.fork()
    if child == 0:
        try:
            worker = threading.Thread(target=lambda: other.value, daemon=True)  # joined with a limit, not to hang
            worker.start()
            worker.join(20)
            os._exit(0 if "value" in vars(other) else 1)
        finally:
            os._exit(1)
    slow.allowed.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
