"""``accelerate launch -m unspin.train CONFIG [key=value …]``: one process of a training run over several."""

import sys
from pathlib import Path

from unspin.data.config import load_config
from unspin.data.errors import UnspinError
from unspin.train.config import TrainConfig
from unspin.train.finetune import main

if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: accelerate launch -m unspin.train CONFIG [key=value …]")
    try:
        print(main(load_config(Path(sys.argv[1]), TrainConfig, sys.argv[2:])))
    except UnspinError as error:
        sys.exit(f"unspin: {error}")
