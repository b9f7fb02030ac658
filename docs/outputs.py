"""Notes what each command prints, from real runs: ``python docs/outputs.py [COMMAND …]`` (some minutes; needs the released model)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
MADE = ROOT / "build" / "docs"
SMALL = ["data=build/docs/pairs", "output=build/docs/run", "steps=6", "save_every=6", "warmup_steps=1"]
RUNS = {
    "build": [
        ["build", "--check", "configs/data/quickstart.yaml", "output=build/docs/pairs"],
        ["build", "configs/data/quickstart.yaml", "output=build/docs/pairs"],
        ["build", "--stats", "build/docs/pairs"],
    ],
    "train": [["train", "--check", "configs/train/default.yaml", *SMALL], ["train", "configs/train/default.yaml", *SMALL]],
    "calibrate": [["calibrate", "configs/calibrate/default.yaml", "checkpoint=build/docs/adapter", "limit=60"]],
    "evaluate": [["evaluate", "configs/eval/quick.yaml", "limit=20", "output=build/docs/benchmark"]],
    "export": [["export", "default", "--output", "build/docs/export"]],
    "restore": [["restore", "data/samples/ferry.spun.txt", "--edits", "build/docs/edits.jsonl"]],
    "serve": [["serve", "--port", "8765"]],
}


def main() -> None:
    wanted = sys.argv[1:] or list(RUNS)
    if wanted == list(RUNS):
        shutil.rmtree(MADE, ignore_errors=True)
        shutil.copytree(ROOT / "infer" / "adapter", MADE / "adapter")
    for name in wanted:
        text = "\n".join(f"$ unspin {' '.join(arguments)}\n{printed(arguments)}" for arguments in RUNS[name])
        (ROOT / "docs" / "commands" / f"{name}.txt").write_text(text, encoding="utf-8")


def printed(arguments: list[str]) -> str:
    """What a command leaves on a terminal of 110 columns, without colours and without the bars it has written over."""
    command = [str(Path(sys.executable).with_name("unspin")), *arguments]
    place = {**os.environ, "COLUMNS": "110", "TERM": "dumb", "PYTHONWARNINGS": "ignore"}
    process = subprocess.Popen(command, cwd=ROOT, env=place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("open http"):
            process.terminate()
    process.wait()
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", "".join(lines))
    shown = [line.rsplit("\r", 1)[-1].rstrip() for line in text.splitlines()]
    noise = r"Warning|warnings\.warn|examples/s|Loading weights|Reading dup|^\s*\d+%\|.*(?:it/s|s/it)"
    return "\n".join(line for line in shown if line and not re.search(noise, line)) + "\n"


if __name__ == "__main__":
    main()
