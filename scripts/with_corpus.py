"""Run a Python module with arguments that depend on the corpus.

python scripts/with_corpus.py genia spacy genner train configs/{baseline}.cfg --output training/x

What the table of known corpora (`spacy_genner/corpora/known.py`) says of the training on a corpus
takes the place of names in braces: `{baseline}` becomes `spancat` for GENIA, and `ner` for WNUT-17.
"""

import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, fields

from spacy_genner.corpora.known import KNOWN, known_corpus
from spacy_genner.corpora.known_corpus import Training


def filled(corpus: str, words: Sequence[str]) -> list[str]:
    """Return the words with the settings of a corpus in place of their names in braces.

    Raises:
        ValueError: If the table has no such corpus.
        ValueError: If a name in braces is not one of a setting.
    """
    settings = asdict(known_corpus(corpus).training)
    try:
        return [word.format_map(settings) for word in words]
    except KeyError as error:
        raise ValueError(
            f"{{{error.args[0]}}} is not a setting: choose from {', '.join(settings)}"
        ) from error


def main() -> int:
    """Run the module, and return its exit code; 128 + n, as in a shell, if signal n ended it."""
    if len(sys.argv) < 3:
        settings = ", ".join(field.name for field in fields(Training))
        print(
            f"usage: python {sys.argv[0]} CORPUS MODULE [ARGUMENT…]\n"
            f"CORPUS is one of {', '.join(KNOWN)}. Settings in braces in the arguments are filled "
            f"in: {settings}",
            file=sys.stderr,
        )
        return 2
    try:
        arguments = filled(sys.argv[1], sys.argv[2:])
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"python -m {shlex.join(arguments)}", flush=True)
    code = subprocess.run([sys.executable, "-m", *arguments]).returncode
    return code if code >= 0 else 128 - code  # subprocess returns -n for signal n


if __name__ == "__main__":
    sys.exit(main())
