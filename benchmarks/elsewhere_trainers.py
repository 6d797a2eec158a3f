"""LoRA adapters that are trained without spacy-genner, on a file of `genner export`: by TRL on the
texts, or by transformers on the token ids. It needs transformers, peft, datasets and, for TRL, trl.

python benchmarks/elsewhere_trainers.py trl BASE TRAIN.jsonl ADAPTER
accelerate launch --multi_gpu --num_processes 2 benchmarks/elsewhere_trainers.py trainer BASE \\
    TRAIN.jsonl ADAPTER --processes 2
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from datasets import Dataset
from peft import LoraConfig, get_peft_model
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DataCollatorForSeq2Seq,
    Trainer,
    TrainingArguments,
    set_seed,
)

ADAPTER = LoraConfig(task_type="CAUSAL_LM", r=16, lora_alpha=32, target_modules="all-linear")


class Kind(str, Enum):
    """What trains, and on what."""

    trl = "trl"
    trainer = "trainer"


def main(
    kind: Annotated[Kind, typer.Argument(help="trl: on the texts; trainer: on the token ids.")],
    base: Annotated[str, typer.Argument(help="Folder of the base weights.")],
    data: Annotated[Path, typer.Argument(help="JSONL file of `genner export`.", exists=True)],
    folder: Annotated[Path, typer.Argument(help="Folder to save the adapter to.")],
    steps: Annotated[int, typer.Option(help="Number of batches.", min=1)] = 40,
    batch: Annotated[int, typer.Option(help="Prompts in a batch of a process.", min=1)] = 10,
    processes: Annotated[int, typer.Option(help="Number of processes expected.", min=1)] = 1,
) -> None:
    """Train an adapter, and save it as PEFT does."""
    set_seed(0)
    settings = {
        "output_dir": str(folder),
        "max_steps": steps,
        "per_device_train_batch_size": batch,
        "learning_rate": 2e-3,
        "lr_scheduler_type": "linear",
        "warmup_steps": steps // 10,
        "bf16": True,
        "use_cpu": not torch.cuda.is_available(),
        "logging_steps": 5,
        "gradient_checkpointing": False,
        "save_strategy": "no",
        "report_to": "none",
    }
    rows = Dataset.from_json(str(data))
    trainer = {Kind.trl: by_trl, Kind.trainer: by_trainer}[kind](base, rows, settings)
    if trainer.args.world_size != processes:
        raise ValueError(f"{trainer.args.world_size} processes run, not {processes}")
    trainer.train()
    trainer.save_model(str(folder))


def by_trl(base: str, rows: Dataset, settings: dict[str, Any]) -> Trainer:
    """TRL's trainer on prompts and completions. It ends a completion with the end token itself."""
    from trl import SFTConfig, SFTTrainer

    return SFTTrainer(
        model=loaded(base),
        args=SFTConfig(**settings, max_length=None),
        # with the columns of token ids, TRL would train on these
        train_dataset=rows.select_columns(["prompt", "completion"]),
        processing_class=AutoTokenizer.from_pretrained(base),
        peft_config=ADAPTER,
    )


def by_trainer(base: str, rows: Dataset, settings: dict[str, Any]) -> Trainer:
    """The trainer of transformers on token ids in our own spelling."""
    return Trainer(
        model=get_peft_model(loaded(base), ADAPTER),
        args=TrainingArguments(**settings),
        train_dataset=rows.select_columns(["input_ids", "labels"]),
        data_collator=DataCollatorForSeq2Seq(AutoTokenizer.from_pretrained(base)),
    )


def loaded(base: str) -> Any:
    """The base in bfloat16. Adapters on it are in float32."""
    return AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)


if __name__ == "__main__":
    typer.run(main)
