"""Run a Python module with arguments that depend on the corpus.

python scripts/with_corpus.py genia spacy genner train configs/{baseline}.cfg --output training/x

What the table of known corpora (`spacy_genner/corpora/known.py`) says of the training on a corpus
takes the place of names in braces: `{baseline}` becomes `spancat` for GENIA, and `ner` for WNUT-17.
"""

import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict

from spacy_genner.corpora.known import known_corpus


def filled(corpus: str, words: Sequence[str]) -> list[str]:
    """Return the words with the settings of a corpus in place of their names in braces.

    Raises:
        ValueError: If the table has no such corpus.
        KeyError: If a name in braces is not one of a setting.
    """
    settings = asdict(known_corpus(corpus).training)
    return [word.format_map(settings) for word in words]


def main() -> int:
    """Run the module, and return its exit code."""
    corpus, *words = sys.argv[1:]
    try:
        arguments = filled(corpus, words)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"python -m {shlex.join(arguments)}", flush=True)
    return subprocess.run([sys.executable, "-m", *arguments]).returncode


if __name__ == "__main__":
    sys.exit(main())
