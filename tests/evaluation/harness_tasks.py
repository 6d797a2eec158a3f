"""A task for lm-evaluation-harness that needs nothing but local files."""

from __future__ import annotations

import json
from pathlib import Path

EXAMPLES = [
    {"question": "Leeds is a town in", "choices": ["England", "the sea"], "answer": 0},
    {"question": "A river flows into the", "choices": ["roof", "sea", "spoon"], "answer": 1},
    {"question": "Bread is made of", "choices": ["stone", "flour", "glass"], "answer": 1},
    {"question": "At night the sky is", "choices": ["green", "made of wood", "dark"], "answer": 2},
]
TASK = """
task: towns
dataset_path: json
dataset_kwargs:
  data_files:
    test: {data}
  cache_dir: {cache}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{question}}}}"
doc_to_choice: choices
doc_to_target: answer
metric_list:
  - metric: acc
    aggregation: mean
    higher_is_better: true
"""


def write_tasks(folder: Path) -> Path:
    """Write the task `towns` and its examples; return the folder of the task."""
    data, tasks = folder / "towns.jsonl", folder / "tasks"
    lines = [json.dumps(example) for example in EXAMPLES]
    data.write_text("\n".join(lines), encoding="utf-8")
    tasks.mkdir()
    text = TASK.format(data=json.dumps(str(data)), cache=json.dumps(str(folder / "cache")))
    (tasks / "towns.yaml").write_text(text, encoding="utf-8")
    return tasks
