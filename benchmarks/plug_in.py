"""Adapters that plain transformers and PEFT have trained, with a prompt, label words and delimiters
of their own, plugged in by config alone.

python benchmarks/plug_in.py corpus/demo

The folder has train.spacy and test.spacy. What is compared, in float32: the logits of each kind of
adapter with those of PEFT, and the spans and scores of a plugged adapter with those of the folder
into which PEFT has merged it. At last, the error for each kind of adapter that is refused.
"""

from __future__ import annotations

import json
import tempfile
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import peft
import spacy
import torch
import typer
from cells import RESULTS, Cell, Cells
from outside import Pair, fit
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from transformers import AutoModelForCausalLM, AutoTokenizer

from spacy_genner.lm.causal import CausalLM
from spacy_genner.weights.adapter_config import REFUSED, read_config
from spacy_genner.weights.packages import installed

QUESTION = "Which names of the kinds {kinds} are in this sentence? Mark them.\n\n{text}"
OPENING, SEPARATOR, CLOSING = "{", "}<", ">"
NEW_TOKENS = ["<names>", "</names>"]
LINEAR = {"r": 16, "lora_alpha": 32, "target_modules": "all-linear", "task_type": "CAUSAL_LM"}
KINDS: dict[str, dict[str, Any]] = {
    "LoRA": {},
    "rsLoRA": {"use_rslora": True},
    "DoRA": {"use_dora": True},
    "patterns": {"rank_pattern": {"q_proj": 4}, "alpha_pattern": {"down_proj": 64}},
    "biases and layers": {"bias": "all", "target_modules": ["q_proj"], "layers_to_transform": [1]},
    "modules_to_save": {"modules_to_save": ["norm", "embed_tokens"], "ensure_weight_tying": True},
    "trainable tokens": {"trainable_token_indices": [5, 6, 7]},
    "PiSSA": {"init_lora_weights": "pissa"},
    "resized embeddings": {},
}
UNUSABLE = [
    *({name: [1]} for name in REFUSED),
    *({"init_lora_weights": start} for start in ("pissa_niter_16", "corda", "loftq", "lora_ga")),
    *({"peft_type": kind} for kind in ("PROMPT_TUNING", "PREFIX_TUNING", "P_TUNING", "XLORA")),
    {"task_type": "TOKEN_CLS"},
    {"a_setting_of_tomorrow": True},
]


def main(
    corpus: Annotated[Path, typer.Argument(help="Folder with train.spacy and test.spacy.")],
    name: Annotated[str, typer.Option(help="Base, as `genner download` has installed it.")] = (
        "smollm2-135m"
    ),
    steps: Annotated[int, typer.Option(help="Training steps of the plugged adapter.")] = 60,
    few: Annotated[int, typer.Option(help="Training steps of each other adapter.")] = 4,
    limit: Annotated[int, typer.Option(help="Documents that are annotated.")] = 100,
    output: Annotated[Path, typer.Option("--json", help="Results.")] = RESULTS / "plug_in.json",
) -> None:
    """Train adapters elsewhere, plug them in, and compare."""
    warnings.filterwarnings("ignore", category=FutureWarning)  # of PEFT with transformers 5
    base = str(installed(name) or name)
    texts = [read(corpus / f"{part}.spacy") for part in ("train", "test")]
    words = {label: label.lower() for label in sorted(labels_of(texts[0]))}
    tokenizer = AutoTokenizer.from_pretrained(base)
    pairs = [pair(doc, words, tokenizer) for doc in texts[0]]
    probes = [[*one.prompt, *one.answer] for one in pairs[:8]]
    cells = Cells(output)
    with tempfile.TemporaryDirectory() as folder:
        for kind, settings in KINDS.items():
            place = Path(folder, kind)
            train(base, pairs, place, steps if kind == "LoRA" else few, settings, kind)
            worst = difference(base, place, probes)
            cells.cell(adapter=kind, model=name, dtype="float32")["difference"] = worst
            cells.save()
            print(f"{kind}: logits differ by {worst:.1e} at most", flush=True)
        found = compare_spans(base, Path(folder), words, texts[1][:limit])
    cells.cell(adapter="LoRA", steps=steps, documents=len(texts[1][:limit])).update(found)
    cells.save()
    print(
        "The spans of {equal} documents are equal, scores differ by {scores:.1e} at most.".format(
            **found
        )
    )
    show_refused()


def train(
    base: str,
    pairs: Sequence[Pair],
    folder: Path,
    steps: int,
    settings: dict[str, Any],
    kind: str,
) -> None:
    """Train an adapter as a script without this package would, and save it with its tokenizer."""
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(base)
    model: Any = AutoModelForCausalLM.from_pretrained(base, attn_implementation="eager")
    model = model.to(torch.bfloat16)
    if kind == "resized embeddings":
        tokenizer.add_tokens(NEW_TOKENS)
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    model = peft.get_peft_model(model, peft.LoraConfig(**{**LINEAR, **settings}))
    fit(model, pairs, steps, seed=0)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def difference(base: str, folder: Path, probes: Sequence[Sequence[int]]) -> float:
    """Return by how much the logits differ at most between PEFT and the plugged adapter."""
    plain: Any = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    rows = len(AutoTokenizer.from_pretrained(folder))
    if rows > plain.config.vocab_size:
        plain.resize_token_embeddings(rows, mean_resizing=False)
    expected = peft.PeftModel.from_pretrained(plain, str(folder)).eval()
    found = CausalLM(base, adapter=str(folder), dtype="float32", device="cpu").steps.model
    worst = 0.0
    with torch.inference_mode():
        for probe in probes:
            ids = torch.tensor([probe])
            worst = max(worst, float((expected(ids).logits - found(ids).logits).abs().max()))
    return worst


def compare_spans(base: str, folder: Path, words: dict[str, str], gold: Sequence[Doc]) -> Cell:
    """Compare what is found by the plugged adapter and by the folder it is merged into.

    Returns:
        The number of documents with equal spans, by how much their scores differ at most, and the
        F1 of the plugged adapter.
    """
    plain: Any = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    merged = peft.PeftModel.from_pretrained(plain, str(folder / "LoRA")).merge_and_unload()
    merged.save_pretrained(folder / "merged")
    AutoTokenizer.from_pretrained(base).save_pretrained(folder / "merged")
    plugged = pipeline(words, name=base, adapter=str(folder / "LoRA"))
    whole = pipeline(words, name=str(folder / "merged"))
    found, expected = (list(nlp.pipe([doc.text for doc in gold])) for nlp in (plugged, whole))
    same = sum(spans(one) == spans(other) for one, other in zip(found, expected, strict=True))
    apart = max(
        abs(a - b)
        for one, other in zip(found, expected, strict=True)
        if spans(one) == spans(other)
        for a, b in zip(scores(one), scores(other), strict=True)
    )
    scored = plugged.evaluate([Example(plugged.make_doc(doc.text), doc) for doc in gold])
    return {"equal": same, "scores": apart, "f": float(scored["spans_sc_f"])}


def pipeline(words: dict[str, str], **lm: Any) -> Language:
    """Return a pipeline whose config says how the model was trained."""
    nlp = spacy.blank("en")
    model = {
        "label_words": {word: label for label, word in words.items()},
        "lm": {"dtype": "float32", "device": "cpu", **lm},
        "format": {"opening": OPENING, "separator": SEPARATOR, "closing": CLOSING},
        "prompt": {
            "chat": True,
            "template": QUESTION.format(kinds="{{ labels | join(', ') }}", text="{{ text }}"),
        },
    }
    nlp.add_pipe("generative_ner", config={"labels": list(words), "model": model})
    return nlp


def show_refused() -> None:
    """Print the error for every kind of adapter that cannot be used."""
    usable = {**LINEAR, "peft_type": "LORA"}
    with tempfile.TemporaryDirectory() as folder:
        for settings in UNUSABLE:
            Path(folder, "adapter_config.json").write_text(json.dumps({**usable, **settings}))
            try:
                read_config(Path(folder))
            except ValueError as error:
                print(str(error).replace(f"{folder}/", ""))
            else:
                raise AssertionError(f"{settings} was not refused")


def read(path: Path) -> list[Doc]:
    """Read annotated documents."""
    return list(DocBin().from_disk(path).get_docs(spacy.blank("en").vocab))


def labels_of(docs: Iterable[Doc]) -> set[str]:
    """Return the labels of the spans of documents."""
    return {span.label_ for doc in docs for span in doc.spans["sc"]}


def pair(doc: Doc, words: dict[str, str], tokenizer: Any) -> Pair:
    """Return the question and the answer for a document, as the tokenizer itself spells them."""
    question = QUESTION.format(kinds=", ".join(words.values()), text=doc.text)
    turns = [{"role": "user", "content": question}]
    prompt = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    answer = tokenizer(marked(doc, words), add_special_tokens=False)["input_ids"]
    return Pair(ids, [*answer, tokenizer.eos_token_id])


def marked(doc: Doc, words: dict[str, str]) -> str:
    """Return the text with its spans marked."""
    opens = [(span.start_char, 1, -len(span.text), OPENING) for span in doc.spans["sc"]]
    closes = [
        (span.end_char, 0, len(span.text), f"{SEPARATOR}{words[span.label_]}{CLOSING}")
        for span in doc.spans["sc"]
    ]
    text, done = "", 0
    # At one place, spans close before others open; the inner ones close first, and open last.
    for place, _, _, mark in sorted([*opens, *closes]):
        text += doc.text[done:place] + mark
        done = place
    return text + doc.text[done:]


def spans(doc: Doc) -> list[tuple[int, int, str]]:
    """Return the spans of a document."""
    return [(span.start, span.end, span.label_) for span in doc.spans["sc"]]


def scores(doc: Doc) -> list[float]:
    """Return the scores of the spans of a document."""
    found: list[float] = doc.spans["sc"].attrs["scores"].tolist()
    return found


if __name__ == "__main__":
    typer.run(main)
