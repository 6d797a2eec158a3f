"""Record what a trained pipeline decides, to be replayed where its weights are not.

python benchmarks/record.py training/demo/model-drafts corpus/dev.spacy corpus/test.spacy
benchmarks/recording.json.gz
"""

from pathlib import Path
from typing import Annotated, Any

import spacy
import typer
from systems.base import Subject
from systems.recording_file import load, save

from spacy_genner.corpora.spacy_files import read_corpus
from spacy_genner.models.generative import speller_of

COMPONENT = "generative_ner"


def main(
    model: Annotated[str, typer.Argument(help="A folder with a trained pipeline")],
    corpora: Annotated[
        list[Path], typer.Argument(help=".spacy files with short documents", exists=True)
    ],
    output: Annotated[Path, typer.Argument(help="The recording, a .json.gz file")],
) -> None:
    """Decode each document as one window, and write all that decoding it again needs."""
    nlp = spacy.load(model)
    component: Any = nlp.get_pipe(COMPONENT)
    network = component.model
    subject = Subject(network.shims[0].lm, network.attrs["format"], network.attrs["labels"])
    speller = speller_of(network)
    examples = [example for corpus in corpora for example in read_corpus(corpus, nlp)]
    jobs = [speller.job(component.reading(example.predicted).source) for example in examples]
    save(output, subject, jobs, nlp.get_pipe_config(COMPONENT)["model"]["format"])
    passes = sum(len(script.answers) for script in load(output).scripts)
    typer.echo(f"{len(jobs)} sentences, {passes} passes, {output.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    typer.run(main)
