"""``accelerate launch -m unspin.train CONFIG [KEY=VALUE …]``: one of the processes of a distributed training run."""

import os
import shlex
import sys
import time
from pathlib import Path

from unspin.config import load_config
from unspin.errors import UnspinError
from unspin.extras import explain_missing_package
from unspin.logs import log_to_terminal


def main() -> None:
    """Run the command; the machine's first process reports progress on standard error."""
    if len(sys.argv) < 2:
        sys.exit("usage: accelerate launch -m unspin.train CONFIG [KEY=VALUE …]")
    started = time.monotonic()  # before the imports: they take seconds, which count for a time limit
    from unspin.train.config import TrainConfig
    from unspin.train.finetune import main as finetune

    if int(os.environ.get("LOCAL_RANK", "0")) == 0:
        log_to_terminal()
    try:
        checkpoint = finetune(load_config(Path(sys.argv[1]), TrainConfig, sys.argv[2:]), started, _command())
    except UnspinError as error:
        sys.exit(f"unspin: {error}")
    except ImportError as error:
        sys.exit(explain_missing_package(error, "train") or f"unspin: {error}")
    if int(os.environ.get("RANK", "0")) == 0:
        print(f"checkpoint: {checkpoint}")
        print(f"model card: {checkpoint / 'README.md'}")


def _command() -> str:
    """The command that the user typed: the launcher's, which started this process, or this process's own."""
    import psutil

    try:
        launched = psutil.Process(os.getppid()).cmdline()
    except psutil.Error:  # another user's process, so not a launcher of this one
        launched = []
    for place, argument in enumerate(launched):
        name = "accelerate launch" if argument.endswith("accelerate.commands.launch") else Path(argument).name
        if name in ("accelerate", "accelerate launch", "torchrun"):
            return f"{name} {shlex.join(launched[place + 1 :])}"
    return shlex.join(["python", "-m", "unspin.train", *sys.argv[1:]])


if __name__ == "__main__":
    main()
