"""The configs that recipes and rivals train with are valid, and say what the table of corpora
says."""

from __future__ import annotations

from pathlib import Path

import pytest
import recipes
import rivals
from spacy.util import registry
from thinc.api import Config

from spacy_genner.corpora.known import KNOWN

FOLDER = Path("corpus")


@pytest.mark.parametrize("corpus", KNOWN)
@pytest.mark.parametrize("name", recipes.RECIPES)
def test_a_recipe_changes_the_config_of_a_corpus(name: str, corpus: str) -> None:
    recipe, training = recipes.RECIPES[name], KNOWN[corpus].training
    config = recipe.config(corpus, FOLDER, seed=3).interpolate()
    assert config["training"]["max_steps"] == round(recipe.steps * training.steps)
    assert config["training"]["batcher"]["size"] == round(recipe.batch * training.batch)
    assert config["training"]["seed"] == config["system"]["seed"] == 3
    model = config["components"]["generative_ner"]["model"]
    assert model["format"]["max_depth"] == training.max_depth
    registry.fill({"model": model}, validate=True)
    plain = recipes.RECIPES[recipes.DEFAULT].config(corpus, FOLDER, seed=3)
    assert (recipe.config(corpus, FOLDER, seed=3) == plain) == (name == recipes.DEFAULT)


@pytest.mark.parametrize("corpus", KNOWN)
@pytest.mark.parametrize("system", [rivals.OURS, rivals.CNN])
def test_a_rival_has_the_same_data_and_seed(system: str, corpus: str) -> None:
    config: Config = rivals.SYSTEMS[system](corpus, FOLDER, 3).interpolate()
    assert config["paths"]["train"] == str(FOLDER / "train.spacy")
    assert config["corpora"]["dev"]["limit"] == 0
    assert config["nlp"]["tokenizer"]["@tokenizers"] == KNOWN[corpus].training.tokenizer
    assert config["training"]["seed"] == 3
    assert config["training"]["eval_frequency"] < config["training"]["max_steps"]
    if system == rivals.CNN:
        assert config["nlp"]["pipeline"] == ["tok2vec", KNOWN[corpus].training.baseline]
