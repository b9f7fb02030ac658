"""``accelerate launch -m unspin.train CONFIG [key=value …]``: one process of a training run over several."""

import sys
import time
from pathlib import Path

from unspin.data.config import load_config
from unspin.data.errors import UnspinError


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit("usage: accelerate launch -m unspin.train CONFIG [key=value …]")
    started = time.monotonic()  # imports take seconds, and a time limit counts them
    from unspin.train.config import TrainConfig
    from unspin.train.finetune import main as finetune

    try:
        print(finetune(load_config(Path(sys.argv[1]), TrainConfig, sys.argv[2:]), started))
    except UnspinError as error:
        sys.exit(f"unspin: {error}")


if __name__ == "__main__":
    main()
