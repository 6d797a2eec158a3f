"""Whether a long run of `genner annotate` keeps its memory, and survives kills.

Many short documents are annotated on a tiny random model in float32: once without a break, and once
with a process that is killed again and again and started again. The parts must be the same, byte
for byte.

python benchmarks/streaming.py /tmp/streaming --documents 200000
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import psutil
import spacy
import typer
from cells import RESULTS, Cells

WORDS = ["The", "University", "of", "Edinburgh", "bought", "it", "in", "Leeds", "Essex", "said"]


def make_model(folder: Path) -> None:
    """Save a pipeline on a tiny random model, with a tokenizer of bytes."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = ["<end>", "<pad>"]
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator([" ".join(WORDS)], trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>", pad_token="<pad>")
    fast.save_pretrained(folder / "base")
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
    sizes |= {"num_attention_heads": 2}
    torch.manual_seed(0)
    config = LlamaConfig(vocab_size=len(fast), initializer_range=0.4, **sizes)
    LlamaForCausalLM(config).save_pretrained(folder / "base")
    nlp = spacy.blank("xx")
    lm = {"name": str(folder / "base"), "dtype": "float32", "device": "cpu"}
    model = {"lm": lm, "format": {"max_depth": 1}, "prompt": {"template": "{{ text }}\n"}}
    nlp.add_pipe("generative_ner", config={"labels": ["ORG", "GPE"], "model": model})
    nlp.to_disk(folder / "model")


def make_input(path: Path, documents: int, seed: int) -> None:
    """Write short texts, each with a word that no other one has."""
    draw = random.Random(seed)
    with path.open("w", encoding="utf8") as file:
        for number in range(documents):
            words = [*draw.choices(WORDS, k=draw.randint(2, 8)), f"no{number:x}"]
            file.write(json.dumps({"id": number, "text": " ".join(words)}) + "\n")


def start(folder: Path, output: str, part_size: int) -> subprocess.Popen[bytes]:
    """Start the command."""
    options = ["--output", str(folder / output), "--part-size", str(part_size)]
    command = ["-m", "spacy", "genner", "annotate", str(folder / "model"), str(folder / "in.jsonl")]
    return subprocess.Popen([sys.executable, *command, *options], stdout=subprocess.DEVNULL)


def parts(folder: Path) -> dict[str, bytes]:
    """The files of parts and of failures."""
    return {
        path.name: path.read_bytes()
        for path in sorted(folder.iterdir())
        if path.name.startswith(("part-", "_failed-"))
    }


def unbroken(folder: Path, part_size: int, count: int) -> dict[str, Any]:
    """Run the command to its end, and note its memory as parts come."""
    began = time.perf_counter()
    process = start(folder, "unbroken", part_size)
    watched = psutil.Process(process.pid)
    memory = dict[int, float]()  # the number of parts that are done → MiB
    while process.poll() is None:
        done = len(list((folder / "unbroken").glob("part-*")))
        with suppress(psutil.NoSuchProcess):
            if used := watched.memory_info().rss:  # none when it has just ended
                memory[done] = used / 2**20
        time.sleep(0.2)
    if process.wait():
        raise SystemExit("the command has failed")
    wanted = [max(1, count * tenth // 10) for tenth in range(1, 11)]
    shown = {str(n): round(memory[max(d for d in memory if d <= n)]) for n in wanted}
    return {"seconds": round(time.perf_counter() - began, 1), "mib_after_parts": shown}


def broken(folder: Path, part_size: int, count: int, kills: int, draw: random.Random) -> list[int]:
    """Run the command, and kill it when so many parts are there; then to its end.

    Returns:
        The number of parts at each kill.
    """
    at = sorted(draw.sample(range(count), kills))
    for wanted in at:
        process = start(folder, "broken", part_size)
        while len(list((folder / "broken").glob("part-*"))) <= wanted and process.poll() is None:
            time.sleep(0.02)
        time.sleep(draw.random() * 0.2)
        process.send_signal(signal.SIGKILL)
        process.wait()
    if start(folder, "broken", part_size).wait():
        raise SystemExit("the command has failed")
    return at


def main(
    folder: Annotated[Path, typer.Argument(help="A folder that is not there yet")],
    documents: Annotated[int, typer.Option(help="Number of texts")] = 200_000,
    part_size: Annotated[int, typer.Option(help="Number of texts in a part")] = 1000,
    kills: Annotated[int, typer.Option(help="How often the second run is killed")] = 5,
    seed: Annotated[int, typer.Option(help="Seed of texts and kills")] = 0,
    output: Annotated[Path, typer.Option("--json", help="Results.")] = RESULTS / "streaming.json",
) -> None:
    """Run both, compare, and print the result as JSON."""
    folder.mkdir(parents=True)
    make_model(folder)
    make_input(folder / "in.jsonl", documents, seed)
    count = -(-documents // part_size)
    cells = Cells(output)
    result = cells.cell(documents=documents, part_size=part_size, kills=kills, seed=seed)
    result |= unbroken(folder, part_size, count)
    result["killed_after_parts"] = broken(folder, part_size, count, kills, random.Random(seed))
    result["equal"] = parts(folder / "unbroken") == parts(folder / "broken")
    cells.save()
    typer.echo(json.dumps(result, indent=1))
    raise typer.Exit(not result["equal"])


if __name__ == "__main__":
    typer.run(main)
