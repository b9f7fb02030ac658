"""Record what each command prints: ``python docs/outputs.py [COMMAND …]`` writes commands/COMMAND.txt.

Runs the commands on small inputs. Takes some minutes and needs the released model. Without arguments it records all
commands, starting from an empty runs/docs; some of them read what an earlier one wrote there.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "runs" / "docs"
SMALL = ["data=runs/docs/pairs", "output=runs/docs/run", "max_steps=6", "save_steps=6", "warmup_steps=1"]
SHORT = "inherits: ../../configs/train/adapt.yaml\nmax_steps: 3\n"  # runs/docs/short.yaml
SPUN = "spun=[{kind: folder, name: spun, path: data/samples, licence: ours}]"
COMMANDS = {
    "build": [
        ["build", "--check", "configs/data/quickstart.yaml", "output=runs/docs/pairs"],
        ["build", "configs/data/quickstart.yaml", "output=runs/docs/pairs"],
        ["build", "--stats", "runs/docs/pairs"],
    ],
    "train": [
        ["train", "--check", "configs/train/default.yaml", *SMALL],
        ["train", "configs/train/default.yaml", *SMALL],
    ],
    "self-train": [
        ["self-train", "configs/self-train/default.yaml", SPUN, "train=runs/docs/short.yaml"]
        + ["output=runs/docs/self-train"],
    ],
    "calibrate": [["calibrate", "configs/calibrate/default.yaml", "checkpoint=runs/docs/adapter", "limit=60"]],
    "evaluate": [["evaluate", "configs/eval/quick.yaml", "limit=20", "output=runs/docs/evaluation"]],
    "export": [["export", "default", "--output", "runs/docs/export"]],
    "restore": [["restore", "data/samples/ferry.spun.txt", "--edits", "runs/docs/edits.jsonl"]],
    "screen": [["screen", "data/samples", "--output", "runs/docs/screened"]],
    "serve": [["serve", "--port", "8765"]],
}
NOISE = re.compile(r"Warning|warnings\.warn|examples/s|Loading weights|Reading dup|^\s*\d+%\|.*(?:it/s|s/it)|^\d+it \[")


def main() -> None:
    """Record the commands named on the command line, or all of them."""
    names = sys.argv[1:]
    if not names:
        shutil.rmtree(FOLDER, ignore_errors=True)
        shutil.copytree(ROOT / "infer" / "adapter", FOLDER / "adapter")
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "short.yaml").write_text(SHORT, encoding="utf-8")
    for name in names or COMMANDS:
        text = "\n".join(f"$ unspin {' '.join(arguments)}\n{output_of(arguments)}" for arguments in COMMANDS[name])
        (ROOT / "docs" / "commands" / f"{name}.txt").write_text(text, encoding="utf-8")


def output_of(arguments: list[str]) -> str:
    """What a command shows on a terminal of 110 columns, without colours, library warnings and their progress bars.

    A server is stopped once it prints its address. Raises `SystemExit` if any other command fails.
    """
    command = [str(Path(sys.executable).with_name("unspin")), *arguments]
    environment = {**os.environ, "COLUMNS": "110", "TERM": "dumb", "PYTHONWARNINGS": "ignore"}
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("open http"):
            process.terminate()
    output = "".join(lines)
    if process.wait() and arguments[0] != "serve":
        sys.exit(f"unspin {' '.join(arguments)} failed:\n{output}")
    plain = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", output)
    shown = [line.rsplit("\r", 1)[-1].rstrip() for line in plain.splitlines()]
    return "\n".join(line for line in shown if line and not NOISE.search(line)) + "\n"


if __name__ == "__main__":
    main()
