"""A checkpoint as others use it: merged into a plain transformers folder, as CTranslate2 int8, or on the hub."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from unspin.data.errors import UnspinError
from unspin.infer.checkpoint import RECORD, Checkpoint


def export(name: str, output: Path, int8: bool, push: str | None, report: Callable[[str], None]) -> list[Path]:
    """Write ``output/merged`` and, asked for, ``output/int8`` and ``output/int8-trimmed``; push the merged model to the hub under a name.

    Raises `UnspinError` where `output` exists.
    """
    if output.exists():
        raise UnspinError(f"{output} exists: remove it, or give another --output")
    checkpoint = Checkpoint.open(name)
    made = {"merged": checkpoint.merged(report)}
    if int8:
        made |= {"int8": checkpoint.int8(report), "int8-trimmed": checkpoint.int8(report, trimmed=True)}
    for kind, folder in made.items():
        shutil.copytree(folder, output / kind)
        for file in (RECORD, "README.md"):
            if (checkpoint.folder / file).is_file():
                shutil.copyfile(checkpoint.folder / file, output / kind / file)
    if push:
        from huggingface_hub import HfApi

        api = HfApi()
        api.create_repo(push, exist_ok=True)
        api.upload_folder(repo_id=push, folder_path=output / "merged", commit_message="unspin checkpoint")
    return [output / kind for kind in made]
