"""Check lexicon tables: ``python -m unspin.data.lexicons FILE…`` prints a count a file, or the first bad row."""

import sys
from pathlib import Path

from unspin.data.lexicons import LexiconError, read_lexicon

try:
    for name in sys.argv[1:]:
        print(f"{name}: {len(read_lexicon(Path(name)))} heads")
except (LexiconError, OSError) as error:
    sys.exit(str(error))
