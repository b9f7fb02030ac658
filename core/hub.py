"""Repositories of the Hugging Face hub as folders: ``hf://datasets/owner/name``, or ``hf://owner/name`` for a model.

A folder is uploaded in one commit, so that readers see all of it or nothing, and read from the hub client's own cache,
which keeps every version once and resumes interrupted downloads. fsspec would make one commit per file, and report a
hub that cannot be reached as a missing file. The token is the one of ``hf auth login`` or of HF_TOKEN.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from unspin.errors import UnspinError

SCHEME = "hf://"
LOGIN = "log in with `hf auth login`, or set HF_TOKEN"
_NAME = r"[\w-][\w.-]*"
_ADDRESS = re.compile(
    rf"{SCHEME}((?P<datasets>datasets/)|(?!datasets/))(?P<name>{_NAME}/{_NAME})(@(?P<revision>[^@]+))?"
)
_OF_THE_HUB = {".gitattributes", "README.md"}  # files of a repository that was created on the web site


class HubError(UnspinError):
    """A repository cannot be read or written; the message says why and what to do."""


@dataclass(frozen=True)
class Repository:
    """A repository of data or of a model. `revision` is a branch, tag or commit; None: the newest version."""

    kind: Literal["dataset", "model"]
    name: str
    revision: str | None = None

    @classmethod
    def at(cls, address: str | Path) -> Repository | None:
        """The repository at an address; None if the address is of another kind. Raises `HubError`."""
        if not str(address).startswith(SCHEME):
            return None
        found = _ADDRESS.fullmatch(str(address))
        if not found:
            raise HubError(f"{address}: give a repository: hf://datasets/OWNER/NAME, or hf://OWNER/NAME for a model")
        return cls("dataset" if found["datasets"] else "model", found["name"], found["revision"])

    @classmethod
    def of_model(cls, name: str) -> Repository:
        """The repository OWNER/NAME of a model, also given as its address. Raises `HubError` for other names."""
        repository = cls.at(name if name.startswith(SCHEME) else f"{SCHEME}{name}")
        if repository is None or repository.kind != "model":
            raise HubError(f"{name}: a model needs a repository OWNER/NAME")
        return repository

    def __str__(self) -> str:
        revision = f"@{self.revision}" if self.revision else ""
        return f"{SCHEME}{'datasets/' if self.kind == 'dataset' else ''}{self.name}{revision}"

    def files(self) -> list[str]:
        """The files of the repository but README.md and .gitattributes; none if there is no such repository.

        Raises `HubError` if the hub cannot be reached.
        """
        from huggingface_hub import HfApi
        from huggingface_hub.errors import RepositoryNotFoundError

        with _hub_errors(self):
            try:  # `list_repo_files` would try six times, 23 seconds in all, to reach a hub from a machine offline
                found: Any = HfApi().repo_info(self.name, repo_type=self.kind, revision=self.revision)
            except RepositoryNotFoundError:
                return []
        return [file.rfilename for file in found.siblings or () if file.rfilename not in _OF_THE_HUB]

    def download(self) -> Path:
        """The folder of the cache that holds the repository, downloaded if necessary. Raises `HubError`."""
        from huggingface_hub import snapshot_download

        with _hub_errors(self):
            return Path(snapshot_download(self.name, repo_type=self.kind, revision=self.revision))

    def check_upload(self) -> None:
        """Raise `HubError` if a folder could not be uploaded: without a login, or to somebody else's name.

        Nothing is created.
        """
        from huggingface_hub import HfApi

        if self.revision:
            raise HubError(f"{self}: leave out @{self.revision}, since a new version is always written")
        with _hub_errors(self):
            user = HfApi().whoami()
        owners = [user["name"], *(organisation["name"] for organisation in user.get("orgs", ()))]
        if self.name.split("/")[0] not in owners:
            raise HubError(f"{self}: the token can write to {', '.join(owners)}: choose another owner, or {LOGIN}")
        if user.get("auth", {}).get("accessToken", {}).get("role") == "read":
            raise HubError(f"{self}: the token may only read: make one that may write, and {LOGIN}")

    def upload(self, folder: Path, message: str, exclude: str | None = None) -> None:
        """Upload a folder in one commit, without files that match the pattern `exclude`. Raises `HubError`.

        A repository that does not exist is created and private, because its owner must decide whether the licences
        of its content permit publication.
        """
        from huggingface_hub import HfApi

        api = HfApi()
        with _hub_errors(self):
            api.create_repo(self.name, repo_type=self.kind, private=True, exist_ok=True)
            api.upload_folder(
                repo_id=self.name,
                repo_type=self.kind,
                folder_path=folder,
                ignore_patterns=exclude,
                commit_message=message,
            )


@contextmanager
def _hub_errors(repository: Repository) -> Iterator[None]:
    """Turn the errors of the hub's client, which have no common base, into `HubError`."""
    from huggingface_hub import errors

    try:
        yield
    except errors.RevisionNotFoundError:
        raise HubError(f"{repository}: there is no such version: check what follows the @") from None
    except errors.RepositoryNotFoundError:
        what = "there is no such repository, or the token may not see it"
        raise HubError(f"{repository}: {what}: check the name, and {LOGIN}") from None
    except errors.LocalTokenNotFoundError:
        raise HubError(f"{repository}: writing needs a token: {LOGIN}") from None
    except errors.HFValidationError as error:
        raise HubError(f"{repository}: {_first_line(error)}") from None
    except errors.HfHubHTTPError as error:
        refused = error.response.status_code in (401, 403)
        advice = f"check what the token permits, and {LOGIN}" if refused else "run the command again later"
        raise HubError(f"{repository}: the hub refused ({_first_line(error)}): {advice}") from None
    except Exception as error:
        what = f"the hub cannot be reached ({type(error).__name__}: {_first_line(error)})"
        raise HubError(f"{repository}: {what}: check the network, and run the command again") from None


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "")
