"""Models that vLLM runs: their settings, what is refused, and pipelines with them. Only the last
tests need vLLM itself; the others ask a server that answers as it does."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import spacy
import torch
from safetensors.torch import save_file
from spacy.language import Language
from spacy.tokens import Doc
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from spacy_genner.decoding.interfaces import Decoder
from spacy_genner.engines.listed import Reading
from spacy_genner.engines.probe import differing, probe_of
from spacy_genner.engines.vllm import VLLM
from spacy_genner.engines.vllm_adapter import check_adapter
from spacy_genner.formats.base import Format
from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.formats.typed_list import TypedList
from spacy_genner.lm.causal import CausalLM
from spacy_genner.weights.tuning import LoRA
from tests.decoding.scripted_engine import ScriptedEngine
from tests.decoding.test_decoders import every_decoder, telling_jobs
from tests.engines.fake_server import LENGTH, FakeServer
from tests.engines.scripted_reader import ScriptedReader, uneven
from tests.engines.test_listed import agree
from tests.engines.test_served import found, pipeline

TEXTS = ["Ann Lee met Essex Police in Leeds", "Nothing here", "The University of Edinburgh"]


@pytest.fixture(scope="module")
def folder(tiny: Callable[..., str]) -> str:
    return tiny()


@pytest.fixture
def server(folder: str) -> Iterator[FakeServer]:
    """A server with the tokenizer of a tiny model, and a rule instead of the model."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    with FakeServer(ScriptedReader(uneven, 20, vocabulary=range(len(tokenizer)))) as server:
        server.tokens = lambda text: tokenizer(text, add_special_tokens=False)["input_ids"]
        yield server


def lm_of(server: FakeServer, folder: str, **changed: Any) -> VLLM:
    return VLLM(folder, url=server.url, **{"timeout": 5.0, "patience": 1.0} | changed)


def served(server: FakeServer, folder: str, **changed: Any) -> Language:
    """A pipeline that asks a server."""
    settings = {"@misc": "spacy_genner.VLLM.v1", "url": server.url, "patience": 1.0} | changed
    return pipeline(folder, **settings)


def test_a_pipeline_finds_what_a_model_like_the_server_finds(
    server: FakeServer, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans = found(served(server, folder))
    monkeypatch.setattr(CausalLM, "engine", ScriptedEngine(uneven))
    expected = found(pipeline(folder, here=False))
    assert any(expected)
    for one, other in zip(spans, expected, strict=True):
        assert [each[:3] for each in one] == [each[:3] for each in other]
        assert [each[3] for each in one] == pytest.approx([each[3] for each in other], abs=2e-3)


def test_the_room_is_that_of_the_server(server: FakeServer, folder: str) -> None:
    assert lm_of(server, folder).positions == LENGTH - 1


def test_another_tokenizer_is_refused(server: FakeServer, tiny: Callable[..., str]) -> None:
    with pytest.raises(ValueError, match=r"'base' with another tokenizer than .*: give the folder"):
        _ = lm_of(server, tiny("llama", "spm")).engine


def test_a_server_with_shorter_lists_is_refused(server: FakeServer, folder: str) -> None:
    with pytest.raises(ValueError, match=r"top = 50: .*start the server with --max-logprobs 50"):
        _ = lm_of(server, folder, top=50).engine


def test_another_model_at_the_server_is_refused(
    server: FakeServer, folder: str, tmp_path: Path
) -> None:
    served(server, folder).to_disk(tmp_path)
    spacy.load(tmp_path)
    server.reader = ScriptedReader(
        lambda history, id: -uneven(history, id), 20, vocabulary=server.reader.vocabulary
    )
    with pytest.raises(ValueError, match="answers in another way"):
        spacy.load(tmp_path)


def test_a_text_that_breaks_the_server_does_not_harm_the_others(
    server: FakeServer, folder: str
) -> None:
    nlp = served(server, folder)
    expected = found(nlp)
    broken = server.tokens(" here")
    complete = server.complete

    def refuse(asked: dict[str, Any]) -> dict[str, Any]:
        assert not holds(asked["prompt"], broken)  # makes the server hang up
        return complete(asked)

    server.complete = refuse  # type: ignore[method-assign]
    failed: list[str] = []
    nlp.set_error_handler(lambda name, proc, docs, error: failed.extend(map(str, docs)))
    docs = list(nlp.pipe(TEXTS))
    assert failed == [TEXTS[1]]
    assert [doc.text for doc in docs] == [TEXTS[0], TEXTS[2]]
    assert [spans(doc) for doc in docs] == [[s[:3] for s in expected[n]] for n in (0, 2)]


def holds(ids: list[int], part: list[int]) -> bool:
    return any(ids[n : n + len(part)] == part for n in range(len(ids)))


def spans(doc: Doc) -> list[tuple[int, int, str]]:
    return [(span.start, span.end, span.label_) for span in doc.spans["sc"]]


@pytest.mark.parametrize(
    "changed", [{"top": 0}, {"timeout": 0}, {"patience": -1}, {"concurrency": 0}]
)
def test_numbers_out_of_range_are_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="top and concurrency must be at least 1"):
        VLLM("any", **changed)


@pytest.mark.parametrize(
    "changed", [{"adapter": "folder"}, {"settings": {"max_model_len": 10}}, {"dtype": "float32"}]
)
def test_a_server_has_settings_of_its_own(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="are for a vLLM without a server: give them to `vllm"):
        VLLM("any", url="http://localhost:8000", **changed)


def test_only_a_server_has_names_of_models() -> None:
    with pytest.raises(ValueError, match="only at a server: give its `url`"):
        VLLM("any", model="adapter")


def test_without_vllm_it_says_what_to_install(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)
    monkeypatch.delitem(sys.modules, "spacy_genner.engines.vllm_process", raising=False)
    with pytest.raises(ImportError, match=r"pip install 'spacy-genner\[vllm\]'"):
        _ = VLLM(folder).engine


def test_an_unknown_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nowhere"):
        _ = VLLM(str(tmp_path / "nowhere")).engine


def adapter(folder: Path, module: str = "q_proj", **settings: Any) -> str:
    saved = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": 8, "bias": "none", **settings}
    (folder / "adapter_config.json").write_text(json.dumps(saved))
    weights = {
        f"base_model.model.layers.0.{module}.lora_{part}.weight": torch.ones(2) for part in "AB"
    }
    save_file(weights, folder / "adapter_model.safetensors")
    return str(folder)


@pytest.mark.parametrize(
    "settings, rank",
    [({}, 8), ({"r": 12}, 16), ({"r": 4, "rank_pattern": {"q_proj": 33}}, 64), ({"r": 512}, 512)],
)
def test_an_adapter_needs_a_rank_that_vllm_knows(
    tmp_path: Path, settings: dict[str, Any], rank: int
) -> None:
    needed = {"max_lora_rank": rank, "lora_target_modules": ["q_proj"]}
    assert check_adapter(adapter(tmp_path, **settings)) == (str(tmp_path), needed)


@pytest.mark.parametrize(
    "settings",
    [
        *({"use_dora": True}, {"modules_to_save": ["lm_head"]}, {"bias": "all"}, {"r": 513}),
        *({"lora_bias": True}, {"peft_type": "IA3"}, {"init_lora_weights": "pissa"}),
        {"trainable_token_indices": [3]},
    ],
)
def test_other_adapters_must_be_merged(tmp_path: Path, settings: dict[str, Any]) -> None:
    [name] = settings
    with pytest.raises(ValueError, match=rf"takes no adapter with {name} = .*`spacy genner merge`"):
        check_adapter(adapter(tmp_path, **settings))


@pytest.mark.parametrize("module", ["lm_head", "embed_tokens"])
def test_adapters_at_the_ends_of_the_model_must_be_merged(tmp_path: Path, module: str) -> None:
    with pytest.raises(ValueError, match=f"takes no adapter with weights for {module}: load it"):
        check_adapter(adapter(tmp_path, module))


def test_an_adapter_without_weights_is_refused(tmp_path: Path) -> None:
    name = adapter(tmp_path)
    (tmp_path / "adapter_model.safetensors").write_bytes(b"no weights")
    with pytest.raises(ValueError, match=r"adapter_model\.safetensors cannot be read"):
        check_adapter(name)


needs_vllm = pytest.mark.skipif(not find_spec("vllm"), reason="needs vLLM: make test-vllm")
FORMATS = [InlineBracketed(max_depth=2), TypedList()]


@pytest.fixture(scope="module")
def running(folder: str, tmp_path_factory: pytest.TempPathFactory) -> VLLM:
    """A tiny model with an adapter that vLLM runs in processes of its own."""
    name, adapter = tmp_path_factory.mktemp("model"), tmp_path_factory.mktemp("adapter")
    AutoTokenizer.from_pretrained(folder).save_pretrained(name)
    # vLLM has no attention for heads as narrow as those of the other tiny models.
    config = AutoConfig.from_pretrained(folder, head_dim=32)
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config).save_pretrained(name)
    trained = CausalLM(str(name), dtype="float32", device="cpu", tuning=LoRA(r=4))
    for weight in trained.weights.values():
        torch.nn.init.normal_(weight, std=0.3)
    trained.save(adapter)
    settings = {"enforce_eager": True, "max_model_len": 1024}
    return VLLM(str(name), adapter=str(adapter), dtype="float32", settings=settings)


@pytest.fixture(scope="module")
def here(running: VLLM) -> CausalLM:
    """The same model in this process."""
    return CausalLM(running.name, adapter=running.adapter, dtype="float32", device="cpu")


@needs_vllm
@every_decoder
@pytest.mark.parametrize("format", FORMATS, ids=str)
def test_vllm_finds_what_this_package_finds(
    decoder: Callable[..., Decoder], format: Format, running: VLLM, here: CausalLM
) -> None:
    jobs = telling_jobs(here, format)
    expected = decoder()(here.engine, jobs)
    assert all(map(agree, jobs, decoder()(running.engine, jobs), expected))
    # Texts that are in its cache have no lists at first.
    assert all(map(agree, jobs, decoder()(running.engine, jobs), expected))


@needs_vllm
def test_vllm_writes_what_this_package_writes(running: VLLM, here: CausalLM) -> None:
    jobs = telling_jobs(here, FORMATS[0])
    most = [0, 1, *[20] * (len(jobs) - 2)]
    assert running.engine.write(jobs, most, 1024) == here.engine.write(jobs, most, 1024)


@needs_vllm
def test_the_probe_of_vllm_is_that_of_this_package(running: VLLM, here: CausalLM) -> None:
    probe = probe_of(here.engine, here.pieces)
    assert running.probe() == [pytest.approx(place, abs=2e-3) for place in probe]
    without = CausalLM(running.name, dtype="float32", device="cpu")
    assert differing(running.probe(), probe_of(without.engine, without.pieces))


@needs_vllm
def test_what_does_not_fit_is_refused(running: VLLM) -> None:
    reader = running._rounds.reader
    assert running.positions == 1023
    assert len(reader.read([Reading([5] * 1023, [6, 7])])) == 1
    with pytest.raises(ValueError, match="1024"):
        reader.read([Reading([5] * 1024, [6, 7])])
