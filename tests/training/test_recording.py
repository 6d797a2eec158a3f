import json
import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.cli.train import train as spacy_train
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Corpus, Example
from spacy.training.initialize import init_nlp
from spacy.util import load_config, load_model_from_config, registry
from thinc.api import Config, Model, Optimizer
from thinc.shims import Shim

from spacy_genner.cli.train import train
from spacy_genner.pipeline.generative_ner import GenerativeNER
from spacy_genner.training.recording import Recording
from tests.training.tiny_training import Training, stopping

Result = dict[str, bytes]
Stop = Callable[..., None]
ADAPTER = "model-best/generative_ner/model/adapter_model.safetensors"


class Stopped(BaseException):
    """What stops a training here, as Ctrl-C does. A real kill is tested in test_train.py."""


def stop() -> None:
    raise Stopped


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> Stop:
    """`stopped(training, output, moment)`: train up to there, with a checkpoint before each
    update."""

    def run(training: Training, output: Path, moment: str, seconds: float = 0) -> None:
        with monkeypatch.context() as patch, pytest.raises(Stopped):
            patch.setattr(*stopping(moment, stop))
            train(training.config, output, training.overrides, seconds=seconds)

    return run


def result(training: Training, output: Path) -> Result:
    """The log of a training, and all files that it wrote, without the time it took."""
    files = {
        str(path.relative_to(output)): path.read_bytes()
        for path in output.rglob("*")
        if path.is_file()
    }
    for path in output.glob("*/meta.json"):
        meta = json.loads(path.read_bytes())
        meta["performance"].pop("training_seconds", None)
        files[str(path.relative_to(output))] = json.dumps(meta).encode()
    return {**files, "log": Path(training.overrides["paths.log"]).read_bytes()}


def unbroken(training: Training, output: Path) -> Result:
    """What `spacy train` makes of it."""
    Path(training.overrides["paths.log"]).unlink(missing_ok=True)
    spacy_train(training.config, output, overrides=training.overrides)
    return result(training, output)


def finished(training: Training, output: Path) -> Result:
    train(training.config, output, training.overrides, seconds=0)
    return result(training, output)


@pytest.fixture(scope="module")
def expected(training: Training, tmp_path_factory: pytest.TempPathFactory) -> Result:
    return unbroken(training, tmp_path_factory.mktemp("unbroken"))


def test_the_training_of_these_tests_has_its_best_score_in_the_middle(expected: Result) -> None:
    lines = [json.loads(line) for line in expected["log"].splitlines()]
    assert [line["step"] for line in lines] == [0, 2, 4, 6, 8]
    assert [round(line["scores"]["wobble"]) for line in lines] == [37, 11, 85, 59, 33]
    assert expected[ADAPTER] != expected[ADAPTER.replace("best", "last")]


def test_unbroken_training_prints_and_saves_what_spacy_train_does(
    training: Training, expected: Result, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert unbroken(training, tmp_path) == expected
    printed = capsys.readouterr().out
    Path(training.overrides["paths.log"]).unlink()
    assert finished(training, tmp_path) == expected
    assert capsys.readouterr().out == printed


@pytest.mark.parametrize(
    "moments",
    [
        ["evaluate 1"],
        ["update 6"],  # after the best evaluation
        ["half 4"],
        *(
            pytest.param([moment], marks=pytest.mark.slow)
            for moment in ("update 1", "evaluate 3", "to_disk 3", "whole 4")
        ),
        [
            "checkpoint 5",
            "half 1",
            "update 1",
            "to_disk 3",
            "evaluate 1",
        ],  # to_disk: while played back
        ["to_disk 6"],  # the very last thing
    ],
    ids=", ".join,
)
def test_training_goes_on_as_if_it_had_not_been_stopped(
    moments: list[str], training: Training, expected: Result, stopped: Stop, tmp_path: Path
) -> None:
    for moment in moments:
        stopped(training, tmp_path, moment)
        random.seed()  # a new process would not know the state of before either
    assert finished(training, tmp_path) == expected


def parts_of_a_batch(config: Config) -> None:
    config["training"]["accumulate_gradient"] = 2
    config["training"]["batcher"]["size"] = 4


def all_weights(config: Config) -> None:
    config["components"]["generative_ner"]["model"]["lm"]["tuning"] = {
        "@misc": "spacy_genner.FullTuning.v1"
    }


def bfloat16(config: Config) -> None:
    config["components"]["generative_ner"]["model"]["lm"]["dtype"] = "bfloat16"


def two_on_one_base(config: Config) -> None:
    config["nlp"]["pipeline"] = ["generative_ner", "second", "wobble"]
    config["components"]["second"] = deepcopy(config["components"]["generative_ner"])


def sampled_labels(config: Config) -> None:
    config["components"]["generative_ner"]["sampling"] = {
        "@misc": "spacy_genner.LabelSampling.v1",
        "absent": 3,
        "others": ["LAW", "DRUG", "SHIP", "DNA"],
        "shuffle": True,
    }


def two_corpora(config: Config) -> None:
    """In a stream without end, with other labels."""
    sampled_labels(config)
    one = {"@readers": "spacy_genner.LabelledCorpus.v1", "path": config["paths"]["train"]}
    two = {**one, "mapping": {"ORG": "FIRM"}, "limit": 4}
    config["training"]["max_epochs"] = -1
    config["corpora"]["train"] = {
        "@readers": "spacy_genner.MergedCorpora.v1",
        "corpora": {"one": one, "two": two},
        "temperature": 2.0,
        "endless": True,
    }


def random_dev_corpus(config: Config) -> None:
    config["corpora"]["dev"]["@readers"] = "genner_test_shuffled.v1"


def frozen_tagger(config: Config) -> None:
    source = spacy.blank("en")
    source.add_pipe("tagger").add_label("N")
    source.initialize()
    source.to_disk(folder := Path(config["paths"]["log"]).with_name("tagger"))
    config["nlp"]["pipeline"] = ["tagger", "generative_ner", "wobble"]
    config["training"] |= {"frozen_components": ["tagger"], "annotating_components": ["tagger"]}
    config["components"]["tagger"] = {"source": str(folder)}


def components(config: Config, **pipes: dict[str, Any]) -> None:
    """Train these, from small models of their own where nothing is said."""
    config["nlp"]["pipeline"] = [*pipes, "wobble"]
    config["components"] = {"wobble": config["components"]["wobble"], **pipes}
    config["training"]["dropout"] = 0.2


LISTENER = {"@architectures": "spacy.Tok2VecListener.v1", "width": 96}
NER = {
    "factory": "ner",
    "model": {"@architectures": "spacy.TransitionBasedParser.v2", "tok2vec": LISTENER},
}
SPANCAT = {
    "factory": "spancat",
    "model": {"@architectures": "spacy.SpanCategorizer.v1", "tok2vec": LISTENER},
}


def tok2vec_and_ner(config: Config) -> None:
    components(config, tok2vec={"factory": "tok2vec"}, ner=NER)


def decoder_and_ner(config: Config) -> None:
    lm = {**config["components"]["generative_ner"]["model"]["lm"]}
    model = {"@architectures": "spacy_genner.DecoderTok2Vec.v1", "lm": lm}
    listener = {**LISTENER, "width": 32}
    ner = {**NER, "model": {**NER["model"], "tok2vec": listener}}
    components(config, tok2vec={"factory": "tok2vec", "model": model}, ner=ner)


def averages(config: Config) -> None:
    tok2vec_and_ner(config)
    config["training"]["optimizer"]["use_averages"] = True


def parts_of_a_batch_of_ner(config: Config) -> None:
    tok2vec_and_ner(config)
    parts_of_a_batch(config)


def tok2vec_and_spancat(config: Config) -> None:
    components(config, tok2vec={"factory": "tok2vec"}, spancat=SPANCAT)


def lemmatizer(config: Config) -> None:
    """It adds words to the vocabulary when it predicts."""
    components(config, trainable_lemmatizer={"factory": "trainable_lemmatizer", "min_tree_freq": 1})


def tagger_and_generative_ner(config: Config) -> None:
    components(
        config, tagger={"factory": "tagger"}, generative_ner=config["components"]["generative_ner"]
    )


@registry.readers("genner_test_shuffled.v1")
def shuffled_corpus(path: str) -> Corpus:
    return Corpus(path, shuffle=True)


@pytest.fixture
def variant(training: Training, tmp_path: Path) -> Callable[[Callable[[Config], None]], Training]:
    """`variant(change)`: the training with a changed config."""

    def make(change: Callable[[Config], None]) -> Training:
        config = load_config(training.config, overrides=training.overrides)
        change(config)
        config.to_disk(tmp_path / "config.cfg")
        return Training(tmp_path / "config.cfg", {"paths.log": str(tmp_path / "log.jsonl")})

    return make


@pytest.mark.parametrize(
    "change",
    [
        parts_of_a_batch,
        two_on_one_base,
        two_corpora,
        frozen_tagger,
        decoder_and_ner,
        *(
            pytest.param(change, marks=pytest.mark.slow)
            for change in (
                all_weights,
                bfloat16,
                sampled_labels,
                random_dev_corpus,
                tok2vec_and_ner,
                averages,
                parts_of_a_batch_of_ner,
                tok2vec_and_spancat,
                lemmatizer,
                tagger_and_generative_ner,
            )
        ),
    ],
)
def test_so_do_trainings_of_other_kinds(
    change: Callable[[Config], None],
    variant: Callable[..., Training],
    stopped: Stop,
    tmp_path: Path,
) -> None:
    goes_on(variant(change), stopped, tmp_path)


def goes_on(training: Training, stopped: Stop, folder: Path) -> None:
    for moment in (
        "update 8",
        "update 1",
    ):  # after the best evaluation, and at the first update that is not played back
        stopped(training, folder / "broken", moment)
    resumed, expected = (
        finished(training, folder / "broken"),
        unbroken(training, folder / "unbroken"),
    )
    assert resumed == expected
    models = {
        path: data
        for path, data in expected.items()
        if path.startswith("model-best") and "model" in path[10:]
    }
    assert models and any(
        data != expected[path.replace("best", "last")] for path, data in models.items()
    )


def test_so_does_an_encoder(
    variant: Callable[..., Training], stopped: Stop, encoder: str, tmp_path: Path
) -> None:
    pytest.importorskip("spacy_transformers")

    def transformer_and_ner(config: Config) -> None:
        model = {"@architectures": "spacy-transformers.TransformerModel.v3", "name": encoder}
        listener = {
            "@architectures": "spacy-transformers.TransformerListener.v1",
            "grad_factor": 1.0,
            "pooling": {"@layers": "reduce_mean.v1"},
        }
        transformer = {
            "factory": "transformer",
            "model": {**model, "tokenizer_config": {"use_fast": True}},
        }
        components(
            config,
            transformer=transformer,
            ner={**NER, "model": {**NER["model"], "tok2vec": listener}},
        )

    goes_on(variant(transformer_and_ner), stopped, tmp_path)


def test_while_it_is_played_back_model_best_holds_the_best_weights(
    training: Training, expected: Result, stopped: Stop, tmp_path: Path
) -> None:
    stopped(training, tmp_path, "update 7")
    stopped(training, tmp_path, "to_disk 2")
    assert result(training, tmp_path)[ADAPTER] == expected[ADAPTER]


def test_what_is_played_back_is_not_computed_again(
    training: Training, stopped: Stop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped(training, tmp_path, "update 7")
    calls: list[str] = []
    for owner, name in ((GenerativeNER, "update"), (Language, "evaluate")):
        monkeypatch.setattr(owner, name, counted(getattr(owner, name), calls))
    train(training.config, tmp_path, training.overrides)
    assert calls == ["update", "evaluate", "update", "update", "evaluate"]


def test_the_pipelines_say_how_long_it_took(
    training: Training, stopped: Stop, tmp_path: Path
) -> None:
    stopped(training, tmp_path, "update 7")
    finished(training, tmp_path)
    best, last = (
        spacy.load(tmp_path / f"model-{name}").meta["performance"] for name in ("best", "last")
    )
    assert best["training_seconds"] == last["training_seconds"] > 0


def counted(function: Callable[..., Any], calls: list[str]) -> Callable[..., Any]:
    def wrapped(*arguments: Any, **settings: Any) -> Any:
        calls.append(function.__name__)
        return function(*arguments, **settings)

    return wrapped


def test_a_checkpoint_waits_for_its_time(
    training: Training,
    expected: Result,
    stopped: Stop,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stopped(training, tmp_path, "update 7", seconds=1000)
    assert not (tmp_path / "checkpoint.pt").exists()
    assert finished(training, tmp_path) == expected
    assert "Going on" not in capsys.readouterr().out


def test_the_second_run_says_where_it_goes_on(
    training: Training, stopped: Stop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stopped(training, tmp_path, "update 7")
    stopped(training, tmp_path, "update 1")
    assert "Going on after update 6" in words(capsys)


def words(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    "damage", [lambda data: b"", lambda data: data[: len(data) // 2], lambda data: data[100:]]
)
def test_with_a_corrupt_checkpoint_training_begins_anew(
    damage: Callable[[bytes], bytes],
    training: Training,
    expected: Result,
    stopped: Stop,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stopped(training, tmp_path, "update 3")
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(damage(path.read_bytes()))
    assert finished(training, tmp_path) == expected
    printed = words(capsys)
    assert (
        "Training starts from the beginning" in printed
        and "not a readable checkpoint" in printed
        and "Going on" not in printed
    )


def test_with_another_config_training_begins_anew(
    training: Training, stopped: Stop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shorter = training.having({"training.max_steps": 3})
    stopped(training, tmp_path / "a", "update 7")
    assert finished(shorter, tmp_path / "a") == unbroken(shorter, tmp_path / "b")
    assert "These differ: configuration" in words(capsys)


def test_with_other_documents_training_begins_anew(
    training: Training, stopped: Stop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "train.spacy"
    path.write_bytes(Path(training.overrides["paths.train"]).read_bytes())
    changed = training.having({"paths.train": str(path)})
    stopped(changed, tmp_path / "a", "update 4")
    path.write_bytes(Path(training.overrides["paths.dev"]).read_bytes())
    assert finished(changed, tmp_path / "a") == unbroken(changed, tmp_path / "b")
    assert (
        "belongs to another training. These differ: " in (printed := words(capsys))
        and "train.spacy" in printed
    )


@registry.readers("genner_test_unstable.v1")
def unstable_corpus(path: str) -> Callable[[Language], Iterator[Example]]:
    return lambda nlp: iter(sorted(Corpus(path)(nlp), key=lambda example: UNSTABLE.random()))


UNSTABLE = random.Random()


def test_documents_in_another_order_are_an_error_that_keeps_the_checkpoint(
    variant: Callable[..., Training], stopped: Stop, tmp_path: Path
) -> None:
    def change(config: Config) -> None:
        config["corpora"]["train"]["@readers"] = "genner_test_unstable.v1"
        config["components"]["generative_ner"]["labels"] = ["ORG"]

    training = variant(change)
    UNSTABLE.seed(1)
    stopped(training, tmp_path, "update 7")
    before = (tmp_path / "checkpoint.pt").read_bytes()
    UNSTABLE.seed(2)
    with pytest.raises(
        ValueError, match=r"in another order than when .*checkpoint\.pt was written"
    ):
        finished(training, tmp_path)
    assert (tmp_path / "checkpoint.pt").read_bytes() == before


def test_after_an_error_the_checkpoint_stays_and_after_the_end_it_goes(
    training: Training, expected: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise RuntimeError("out of memory")

    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(*stopping("update 5", fail))
        finished(training, tmp_path)
    assert (tmp_path / "checkpoint.pt").exists()
    assert finished(training, tmp_path) == expected
    assert not list(tmp_path.glob("checkpoint*"))


def test_the_pipeline_and_thinc_have_their_own_methods_back(
    training: Training, tmp_path: Path
) -> None:
    nlp, step = (
        init_nlp(load_config(training.config, overrides=training.overrides)),
        Optimizer.step_schedules,
    )
    with Recording(nlp, tmp_path, 0):
        assert nlp.update.__func__ is not Language.update and Optimizer.step_schedules is not step
    assert nlp.update.__func__ is Language.update and nlp.evaluate.__func__ is Language.evaluate
    assert Optimizer.step_schedules is step


@Language.factory("genner_test_other")
class Other:
    """A pipe that is trained, by whatever."""

    is_trainable = True
    model = None

    def __init__(self, nlp: Language, name: str) -> None: ...

    def __call__(self, doc: Doc) -> Doc:
        return doc


class OtherShim(Shim):
    """A model of another framework."""


@Language.factory("genner_test_shim")
class OtherFramework(Other):
    model = Model("other", lambda *_: None, shims=[OtherShim(None)])


def with_another(config: Config) -> None:
    config["nlp"]["pipeline"] = ["generative_ner", "other", "wobble"]
    config["components"]["other"] = {"factory": "genner_test_other"}


def with_another_framework(config: Config) -> None:
    with_another(config)
    config["components"]["other"] = {"factory": "genner_test_shim"}


def with_nothing(config: Config) -> None:
    config["training"]["frozen_components"] = ["generative_ner"]


def without_seed(config: Config) -> None:
    config["training"]["seed"] = None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            with_another,
            "other: only the training of components with a thinc Model can be resumed after a kill",
        ),
        (
            with_another_framework,
            "OtherShim: the training of a model with layers of this kind cannot",
        ),
        (with_nothing, "nothing to train"),
        (without_seed, "seed = null"),
    ],
)
def test_what_cannot_go_on_is_refused(
    change: Callable[[Config], None], message: str, variant: Callable[..., Training], tmp_path: Path
) -> None:
    nlp = load_model_from_config(load_config(variant(change).config), auto_fill=True)
    with pytest.raises(ValueError, match=message):
        Recording(nlp, tmp_path, 0)
