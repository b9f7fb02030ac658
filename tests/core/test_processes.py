"""Worker processes end in the middle of their work when it is broken off, and Ctrl-C is left to the first process."""

import os
import signal
import time
from multiprocessing import get_context

import psutil
import pytest
from unspin.processes import worker_processes


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_workers_end_when_their_work_is_broken_off(method: str, error: type[BaseException]) -> None:
    with pytest.raises(error), worker_processes(1, get_context(method)) as pool:
        worker = psutil.Process(pool.submit(os.getpid).result())
        pool.submit(time.sleep, 600)
        raise error
    assert not worker.is_running()


def test_workers_ignore_ctrl_c_and_begin_with_the_initializer() -> None:
    with worker_processes(1, get_context("spawn"), os.putenv, "UNSPIN_TEST", "1") as pool:
        assert pool.submit(signal.getsignal, signal.SIGINT).result() == signal.SIG_IGN
        assert pool.submit(os.system, 'test "$UNSPIN_TEST" = 1').result() == 0
