"""Exports a checkpoint for use without unspin: a merged transformers folder, CTranslate2 int8 folders, the hub."""

from __future__ import annotations

import shutil
from pathlib import Path

from unspin.errors import UnspinError
from unspin.infer.models.checkpoint import UNSPIN_JSON, Checkpoint


def export(name: str, output: Path, int8: bool, push: str | None) -> list[Path]:
    """Write ``output/merged`` and return the folders written.

    `name` is "default" or a checkpoint folder. `int8` also writes ``output/int8`` and ``output/int8-trimmed``
    (only the token ids seen in training). `push` is the name of a repository on the Hugging Face hub to upload the
    merged model to. Raises `UnspinError` if `output` exists, and `ModelError` if the checkpoint cannot be opened.
    """
    if output.exists():
        raise UnspinError(f"{output} exists: remove it, or give another --output")
    checkpoint = Checkpoint.open(name)
    folders = {"merged": checkpoint.merged_folder()}
    if int8:
        folders |= {"int8": checkpoint.int8_folder(), "int8-trimmed": checkpoint.int8_folder(trimmed=True)}
    for kind, folder in folders.items():
        shutil.copytree(folder, output / kind)
        for file in (UNSPIN_JSON, "README.md"):
            if (checkpoint.folder / file).is_file():
                shutil.copyfile(checkpoint.folder / file, output / kind / file)
    if push:
        _push(output / "merged", push)
    return [output / kind for kind in folders]


def _push(folder: Path, repository: str) -> None:
    from huggingface_hub import HfApi

    api = HfApi()
    api.create_repo(repository, exist_ok=True)
    api.upload_folder(repo_id=repository, folder_path=folder, commit_message="unspin checkpoint")
