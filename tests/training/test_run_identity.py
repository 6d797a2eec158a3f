from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch
from spacy.language import Language
from spacy.training import Example
from spacy.training.initialize import init_nlp
from spacy.util import load_config
from thinc.api import Config, chain, fix_random_seed, list2array

from spacy_genner.lm.causal import CausalLM
from spacy_genner.pipeline.decoder_tok2vec import build_decoder_tok2vec
from spacy_genner.training.run_identity import identity
from tests.training.tiny_training import Training


def set_up(training: Training) -> Language:
    """Its pipeline, initialized, with two more pipes."""
    nlp = init_nlp(load_config(training.config, overrides=training.overrides))
    for name in ("tok2vec", "tagger"):
        nlp.add_pipe(name)
    nlp.get_pipe("tagger").add_label("X")
    tokens = [Example.from_dict(nlp.make_doc("one"), {"tags": ["X"]})]
    fix_random_seed(0)
    for name in ("tok2vec", "tagger"):
        nlp.get_pipe(name).initialize(lambda: tokens, nlp=nlp)
    return nlp


@pytest.fixture
def nlp(training: Training) -> Language:
    return set_up(training)


PIPES = ("generative_ner", "tok2vec", "tagger")


@pytest.fixture
def config(nlp: Language, tmp_path: Path) -> Config:
    """That of the pipeline, with a file and a folder as corpora."""
    (tmp_path / "dev" / "more").mkdir(parents=True)
    for name in ("train.spacy", "dev/a.spacy", "dev/more/b.spacy"):
        (tmp_path / name).write_text(name)
    config = nlp.config.interpolate()
    config["corpora"]["train"]["path"] = str(tmp_path / "train.spacy")
    config["corpora"]["dev"]["path"] = str(tmp_path / "dev")
    return config


def of(nlp: Language, config: Config) -> dict[str, str]:
    return identity(nlp, config, {name: nlp.get_pipe(name).model for name in PIPES})


def differing(one: dict[str, str], other: dict[str, str]) -> set[str]:
    return {name for name in one | other if one.get(name) != other.get(name)}


def test_the_same_training_set_up_again_is_the_same(
    nlp: Language, config: Config, training: Training
) -> None:
    assert of(set_up(training), deepcopy(config)) == of(nlp, config)


def lengthen(config: Config, nlp: Language) -> None:
    config["training"]["max_steps"] = 13


def add_label(config: Config, nlp: Language) -> None:
    nlp.get_pipe("generative_ner").add_label("GPE", "a country")


def define_label(config: Config, nlp: Language) -> None:
    nlp.get_pipe("generative_ner").set_labels({"ORG": "a company"})


def prompt_otherwise(config: Config, nlp: Language) -> None:
    nlp.get_pipe("generative_ner").cfg["template"] = "{{ text }}"


def nudge(config: Config, nlp: Language) -> None:
    model = nlp.get_pipe("generative_ner").model.shims[0].lm.model
    with torch.no_grad():
        next(weight for weight in model.parameters() if weight.requires_grad)[0, 0] += 1e-6


def nudge_tok2vec(config: Config, nlp: Language) -> None:
    node = next(node for node in nlp.get_pipe("tok2vec").model.walk() if node.has_param("W"))
    node.get_param("W")[0, 0] += 1e-6


def add_tag(config: Config, nlp: Language) -> None:
    nlp.get_pipe("tagger").cfg["labels"].append("Y")


def add_vector(config: Config, nlp: Language) -> None:
    nlp.vocab.reset_vectors(width=2)
    nlp.vocab.set_vector("one", np.ones(2, dtype="float32"))


def halve(config: Config, nlp: Language) -> None:
    nlp.get_pipe("generative_ner").model.shims[0].lm.dtype = torch.bfloat16


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lengthen, "configuration"),
        (add_label, "labels of generative_ner"),
        (define_label, "labels of generative_ner"),
        (prompt_otherwise, "settings of generative_ner"),
        (nudge, "initial weights of generative_ner"),
        (nudge_tok2vec, "initial weights of tok2vec"),
        (add_tag, "labels of tagger"),
        (add_vector, "word vectors"),
        (halve, "dtype of generative_ner"),
    ],
)
def test_each_difference_has_its_name(
    change: Callable[[Config, Language], None], name: str, nlp: Language, config: Config
) -> None:
    before = of(nlp, config)
    change(config, nlp)
    assert differing(before, of(nlp, config)) == {name}


def test_another_base_differs(
    nlp: Language,
    config: Config,
    training: Training,
    tiny: Callable[..., str],
) -> None:
    other = training.having({"components.generative_ner.model.lm.name": tiny("qwen3")})
    assert "base weights of generative_ner" in differing(of(nlp, config), of(set_up(other), config))


def test_so_does_another_base_below_a_layer_of_spacy(
    nlp: Language, config: Config, tiny_lm: Callable[..., CausalLM]
) -> None:
    """Two bases with the same trained weights: none."""
    found = []
    for family in ("llama", "granite"):
        lm = tiny_lm(family)
        model = chain(build_decoder_tok2vec(lm), list2array())
        model.initialize()
        for weight in lm.model.parameters():
            weight.requires_grad = False
        found.append(identity(nlp, config, {"tok2vec": model}))
    assert differing(*found) == {"base weights of tok2vec"}


def test_corpora_count_with_all_that_is_in_them(
    nlp: Language, config: Config, tmp_path: Path
) -> None:
    before = of(nlp, config)
    (tmp_path / "train.spacy").write_text("other")
    (tmp_path / "dev" / "a.spacy").unlink()
    (tmp_path / "dev" / "more" / "b.spacy").write_text("other")
    (tmp_path / "dev" / "c.spacy").write_text("new")
    changed = {"train.spacy", "dev/a.spacy", "dev/more/b.spacy", "dev/c.spacy"}
    assert differing(before, of(nlp, config)) == {str(tmp_path / name) for name in changed}


def test_other_values_in_the_corpora_are_no_files(nlp: Language, config: Config) -> None:
    before = of(nlp, config)
    config["corpora"]["other"] = {
        "limit": 0,
        "path": None,
        "empty": "",
        "name": "no such file",
        "long": "x" * 9999,
    }
    assert differing(before, of(nlp, config)) == {"configuration"}
