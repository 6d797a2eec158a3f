"""Predictions as GNER and LLMs4NER store them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PROMPT = (
    "<|start_header_id|>user<|end_header_id|>\n\nYour task is to identify all named "
    "entities.\nLabel Set:\n"
    "ORG(organization): A company: or institution.\nGPE: A place.\nNow process the input "
    "sentence:\n"
    "Essex or Essex Police<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
)


def write(path: Path, *items: Any) -> Path:
    path.write_text("\n".join(map(json.dumps, items)) + "\n", encoding="utf-8")
    return path


def gner(prediction: str, dataset: str = "towns", **instance: Any) -> dict[str, Any]:
    words = {"words": ["Bonn", "or", "Bonn"], "labels": ["B-city", "O", "O"], "id": "1"}
    labels = ["city", "river"]
    return {
        "task": "NER",
        "dataset": dataset,
        "label_list": labels,
        "instance": words | instance,
        "prediction": prediction,
    }


def llms4ner(predict: Any, label: Any, prompt: str = PROMPT) -> dict[str, Any]:
    return {"prompt": prompt, "predict": predict, "label": label}
