"""Creates the peers' environment: ``python -m unspin.evaluation.external.setup``, or ``make peers``.

It installs a virtual environment with pinned requirements and NLTK's data below ``build/peers`` (about 2 GB) and
keeps what is there already. NLTK's own downloads are not needed: WordNet 3.0 comes from Debian's packages, found in
``/usr/share/wordnet`` or fetched with ``apt-get`` (without root), and the stopwords from this project's function
words.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

from unspin.english.lexicons import function_words
from unspin.evaluation.external.client import ENVIRONMENT, PeerError
from unspin.logs import log_to_terminal

logger = logging.getLogger(__name__)
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
WORDNET = Path("/usr/share/wordnet")
PACKAGES = ("wordnet-base", "wordnet-sense-index")  # data.*, index.* and *.exc; index.sense and cntlist
PARTS_OF_SPEECH = ("noun", "verb", "adj", "adv")
NEEDED = (
    [f"{kind}.{pos}" for kind in ("data", "index") for pos in PARTS_OF_SPEECH]
    + [f"{pos}.exc" for pos in PARTS_OF_SPEECH]
    + ["index.sense", "cntlist.rev"]
)
# WordNet's lexicographer files in the order of their numbers, with their syntactic category (lexnames(5WN)).
# Debian leaves out the file that lists them; NLTK reads it.
NOUNS = """Tops act animal artifact attribute body cognition communication event feeling food group location motive
object person phenomenon plant possession process quantity relation shape state substance time""".split()
VERBS = """body change cognition communication competition consumption contact creation emotion motion perception
possession social stative weather""".split()
LEXNAMES = [
    ("adj.all", 3),
    ("adj.pert", 3),
    ("adv.all", 4),
    *((f"noun.{n}", 1) for n in NOUNS),
    *((f"verb.{v}", 2) for v in VERBS),
    ("adj.ppl", 3),
]


def set_up(environment: Path = ENVIRONMENT, index: Sequence[str] = ()) -> None:
    """Create or complete the environment; `index` holds pip options for torch. Raises `PeerError` if a step fails."""
    install_packages(environment, index)
    install_wordnet(environment)
    install_stopwords(environment)


def install_packages(environment: Path, index: Sequence[str] = ()) -> None:
    """Create the virtual environment and install the requirements; does nothing if they have not changed since."""
    stamp = environment / "installed"  # holds the digest of the requirements that are installed
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return
    if not (environment / "bin" / "python").exists():
        venv.create(environment, with_pip=True)
    pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    torch = next(line for line in REQUIREMENTS.read_text().splitlines() if line.startswith("torch=="))
    _run([*pip, *index, torch])
    _run([*pip, "--requirement", str(REQUIREMENTS)])
    stamp.write_text(digest)


def install_wordnet(environment: Path, installed: Path = WORDNET) -> None:
    """Copy WordNet to where NLTK looks for it, from the folder `installed` or else from Debian's packages.

    The packages are downloaded and unpacked below `environment`. Does nothing if WordNet is there already.
    """
    target = environment / "nltk_data" / "corpora" / "wordnet"
    if (target / "lexnames").exists():
        return
    source = (
        installed if all((installed / name).exists() for name in NEEDED) else _fetch_wordnet(environment / "debian")
    )
    target.mkdir(parents=True, exist_ok=True)
    for name in NEEDED:
        shutil.copyfile(source / name, target / name)
    (target / "lexnames").write_text(
        "".join(f"{number:02}\t{name}\t{category}\n" for number, (name, category) in enumerate(LEXNAMES))
    )


def install_stopwords(environment: Path) -> None:
    """Write this project's function words as NLTK's list of English stopwords."""
    target = environment / "nltk_data" / "corpora" / "stopwords" / "english"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("\n".join(sorted(function_words())) + "\n")


def _fetch_wordnet(folder: Path) -> Path:
    """Download and unpack Debian's packages in `folder`; returns the folder that holds WordNet."""
    advice = f"install WordNet as root: apt-get update && apt-get install {' '.join(PACKAGES)}"
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise PeerError(f"WordNet is not in {WORDNET}, and there is no apt-get to fetch it: copy WordNet 3.0 there")
    folder.mkdir(parents=True, exist_ok=True)
    _run(["apt-get", "download", *PACKAGES], folder, advice)
    for package in folder.glob("*.deb"):
        _run(["dpkg-deb", "-x", package.name, "."], folder, advice)
    return folder / "usr" / "share" / "wordnet"


def _run(command: Sequence[str], folder: Path = Path(), advice: str = "fix this and run make peers again") -> None:
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise PeerError(f"{' '.join(command)} failed ({advice}):\n{done.stdout.strip()[-2000:]}")


def main() -> None:
    """The command line of ``python -m unspin.evaluation.external.setup``."""
    parser = argparse.ArgumentParser(
        prog="python -m unspin.evaluation.external.setup", description="Create the environment of the peers."
    )
    parser.add_argument("--index-url", help="package index with CPU builds of torch, for pip")
    arguments = parser.parse_args()
    log_to_terminal()
    try:
        set_up(index=["--index-url", arguments.index_url] if arguments.index_url else [])
    except PeerError as error:
        sys.exit(str(error))
    logger.info("peers: ready in %s", ENVIRONMENT)


if __name__ == "__main__":
    main()
