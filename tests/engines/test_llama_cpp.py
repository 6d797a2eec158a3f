"""llama.cpp gives the answers of Hugging Face from files that it can use, and says what is wrong
with others."""

from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import gguf
import pytest
import torch

from benchmarks.systems.gguf_file import write_gguf
from spacy_genner.decoding.greedy import GreedyDecoder
from spacy_genner.decoding.interfaces import Decoder, Job, Question, Reply
from spacy_genner.decoding.speculative import SpeculativeDecoder
from spacy_genner.engines.llama_cpp import LlamaCpp
from spacy_genner.formats.base import Format
from spacy_genner.formats.typed_list import TypedList
from spacy_genner.lm.causal import CausalLM
from spacy_genner.types import Source, Trace
from tests.decoding.reference import same
from tests.decoding.scripted import unread
from tests.decoding.test_decoders import INLINE, every_decoder, said, telling_jobs

needs_llama_cpp = pytest.mark.skipif(
    not find_spec("llama_cpp"), reason="needs llama-cpp-python: make test-llama-cpp"
)


@pytest.fixture(scope="module")
def base(tiny: Callable[..., str]) -> CausalLM:
    return CausalLM(tiny(), dtype="float32", device="cpu")


@pytest.fixture(scope="module")
def file(base: CausalLM, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tiny model as a GGUF file in float32."""
    path = tmp_path_factory.mktemp("gguf") / "model.gguf"
    write_gguf(base.base.model, base.base.tokenizer, path)
    return str(path)


@pytest.fixture
def lm(file: str, base: CausalLM) -> LlamaCpp:
    return LlamaCpp(file, tokenizer=base.name)


@pytest.fixture(scope="module")
def jobs(base: CausalLM) -> list[Job]:
    return telling_jobs(base, INLINE)


@pytest.fixture(scope="module")
def expected(base: CausalLM, jobs: Sequence[Job]) -> list[Trace | None]:
    return GreedyDecoder()(base.engine, jobs)


def equal(found: Sequence[Trace | None], expected: Sequence[Trace | None]) -> bool:
    return len(found) == len(expected) and all(map(same, found, expected))


@needs_llama_cpp
@every_decoder
@pytest.mark.parametrize("format", [INLINE, TypedList()], ids=str)
def test_it_answers_as_hugging_face(
    decoder: Callable[..., Decoder], format: Format, lm: LlamaCpp, base: CausalLM
) -> None:
    """In batches of any size, in any order, whatever was read before."""
    jobs = telling_jobs(base, format)
    expected = decoder()(base.engine, jobs)
    assert any(said(job, trace) for job, trace in zip(jobs, expected, strict=True))
    for batch_tokens in (2048, 100, 1):
        assert equal(decoder(batch_tokens)(lm.engine, jobs), expected)
    assert equal(decoder()(lm.engine, jobs[::-1]), expected[::-1])


@needs_llama_cpp
@pytest.mark.parametrize("context", [2048, 200])
def test_more_jobs_than_there_is_room_for(
    context: int, file: str, base: CausalLM, jobs: Sequence[Job], expected: list[Trace | None]
) -> None:
    """More than there are sequences, or more than the cache holds."""
    lm = LlamaCpp(file, tokenizer=base.name, context=context)
    for decoder in (GreedyDecoder(10**6), SpeculativeDecoder(10**6)):
        assert equal(decoder(lm.engine, list(jobs) * 12), expected * 12)


@needs_llama_cpp
@every_decoder
def test_jobs_with_several_prefixes(
    decoder: Callable[..., Decoder], lm: LlamaCpp, base: CausalLM, jobs: Sequence[Job]
) -> None:
    prefixes = ["Mark all.", "Mark", "Copy the text.", "Mark all."]
    mixed = [
        replace(job, prefix=base.pieces.encode_prefix(prefix))
        for job in jobs
        for prefix in prefixes
    ]
    expected = decoder()(base.engine, mixed)
    assert equal(decoder()(lm.engine, mixed), expected)
    assert equal(decoder()(lm.engine, mixed[1:2]), expected[1:2])


@needs_llama_cpp
def test_it_writes_as_hugging_face(lm: LlamaCpp, base: CausalLM, jobs: Sequence[Job]) -> None:
    most = [30, 0, 1, 7, 12, 30]
    expected = base.engine.write(jobs, most, 2048)
    ended = jobs[0], expected[0][0]  # a job, and the first token id that is written for it
    assert any(expected)
    assert lm.engine.write(jobs, most, 2048) == expected
    assert lm.engine.write([replace(ended[0], end=ended[1])], [30], 2048) == [[]]


@needs_llama_cpp
def test_a_question_is_answered_whatever_was_asked_before(lm: LlamaCpp, base: CausalLM) -> None:
    """Shorter ones, longer ones, and about places that were read before."""
    ids = list(base.pieces.encode("The University of Edinburgh bought the old factory in Leeds."))
    questions = [
        Question(ids, [1, 4, len(ids)], [[3, 4], [5, 6, 7], [8, 9]]),
        Question(ids[:4], [2, 4], [[3, 4, 5], [6, 7]]),
        Question(ids, [4], [[5, 6, 7]]),
        Question(ids, [4], [[5, 6, 7]]),
        Question(ids[::-1], [len(ids)], [[8, 9]]),
    ]

    def ask(replies: list[Reply]) -> Generator[Question, Reply, None]:
        for question in questions:
            replies.append((yield question))

    found, expected = list[Reply](), list[Reply]()
    job = Job((1, 2), [], [], INLINE.grammar(Source((), ()), {}), base.pieces.encode, 0, unread)
    lm.engine.run([job], [ask(found)], 2048)
    base.engine.run([job], [ask(expected)], 2048)
    for one, other in zip(found, expected, strict=True):
        assert one.log_probs == pytest.approx(other.log_probs, abs=1e-4)


@needs_llama_cpp
def test_after_an_error_it_goes_on(
    lm: LlamaCpp, jobs: Sequence[Job], expected: list[Trace | None]
) -> None:
    def failing(job: Job) -> Generator[Question, Reply, None]:
        yield Question(job.body, [len(job.body)], [[3, 4]])
        raise ZeroDivisionError

    for _ in range(40):  # more often than there are sequences
        with pytest.raises(ZeroDivisionError):
            lm.engine.run(jobs, [failing(job) for job in jobs], 2048)
    long = replace(jobs[0], prefix=(1, 2), body=[3] * 9000)
    with pytest.raises(ValueError, match=r"9002 token ids, and context = 2048"):
        lm.engine.run([long], [failing(long)], 2048)
    with pytest.raises(RuntimeError, match=r"llama\.cpp cannot read"):
        lm.engine.run([replace(jobs[0], prefix=(10**6,))], [failing(jobs[0])], 2048)
    assert equal(GreedyDecoder()(lm.engine, jobs), expected)


@needs_llama_cpp
def test_copies_load_the_model_again(
    lm: LlamaCpp, jobs: Sequence[Job], expected: list[Trace | None]
) -> None:
    _ = lm.engine
    for same_lm in (pickle.loads(pickle.dumps(lm)), copy.deepcopy(lm)):
        assert "engine" not in same_lm.__dict__
        assert equal(GreedyDecoder()(same_lm.engine, jobs), expected)
    lm.changed()
    assert "engine" not in lm.__dict__


@needs_llama_cpp
def test_an_adapter(file: str, base: CausalLM, jobs: Sequence[Job], tmp_path: Path) -> None:
    """It is added to the weights, as PEFT does."""
    torch.manual_seed(1)
    down, up = torch.randn(4, 32), torch.randn(32, 4)
    path = write_adapter(tmp_path / "adapter.gguf", down, up, alpha=2.0)
    model = copy.deepcopy(base.base.model)
    model.model.layers[1].self_attn.o_proj.weight.data += up @ down * (2.0 / 4)
    model.save_pretrained(tmp_path)
    base.tokenizer.save_pretrained(tmp_path)
    merged = CausalLM(str(tmp_path), dtype="float32", device="cpu")
    lm = LlamaCpp(file, adapter=path, tokenizer=base.name)
    found, expected = (GreedyDecoder()(each.engine, jobs) for each in (lm, merged))
    assert equal(found, expected)
    assert not equal(found, GreedyDecoder()(base.engine, jobs))


def write_adapter(path: Path, down: torch.Tensor, up: torch.Tensor, alpha: float) -> str:
    """Write a LoRA adapter of one weight."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", alpha)
    writer.add_tensor("blk.1.attn_output.weight.lora_a", down.numpy())
    writer.add_tensor("blk.1.attn_output.weight.lora_b", up.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return str(path)


@needs_llama_cpp
def test_an_adapter_that_does_not_fit(file: str, base: CausalLM, tmp_path: Path) -> None:
    path = write_adapter(tmp_path / "adapter.gguf", torch.ones(4, 16), torch.ones(16, 4), 1.0)
    with pytest.raises(ValueError, match=r"adapter.gguf does not fit the model.*blk.1.attn_output"):
        _ = LlamaCpp(file, adapter=path, tokenizer=base.name).engine
    with pytest.raises(ValueError, match="does not fit"):
        _ = LlamaCpp(file, adapter=file, tokenizer=base.name).engine


@needs_llama_cpp
def test_files_that_llama_cpp_cannot_load(file: str, base: CausalLM, tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    writer = gguf.GGUFWriter(path, "nonsense")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    with pytest.raises(ValueError, match=r"cannot load .*model.gguf: .*nonsense"):
        _ = LlamaCpp(str(path), tokenizer=base.name).engine
    path.write_bytes(Path(file).read_bytes()[:-1000])
    with pytest.raises(ValueError, match="cannot load"):
        _ = LlamaCpp(str(path), tokenizer=base.name).engine


@needs_llama_cpp
@pytest.mark.parametrize(
    ("kind", "message"), [("has_encoder", "Seq2SeqLM"), ("is_hybrid", "recurrent layers")]
)
def test_other_kinds_of_models(
    kind: str, message: str, lm: LlamaCpp, monkeypatch: pytest.MonkeyPatch
) -> None:
    import llama_cpp

    monkeypatch.setattr(llama_cpp, f"llama_model_{kind}", lambda model: True)
    with pytest.raises(ValueError, match=message):
        _ = lm.engine


@needs_llama_cpp
def test_settings_that_do_not_fit_the_model(file: str, base: CausalLM) -> None:
    with pytest.raises(ValueError, match="made for 2048 positions"):
        _ = LlamaCpp(file, tokenizer=base.name, context=2049).engine
    with pytest.raises(ValueError, match="built for the CPU only"):
        _ = LlamaCpp(file, tokenizer=base.name, gpu_layers=-1).engine


@needs_llama_cpp
def test_another_tokenizer(file: str, tiny: Callable[..., str]) -> None:
    with pytest.raises(ValueError, match="is not that of"):
        _ = LlamaCpp(file, tokenizer=tiny("llama", "spm")).engine


@needs_llama_cpp
def test_damaged_weights(base: CausalLM, jobs: Sequence[Job], tmp_path: Path) -> None:
    model = copy.deepcopy(base.base.model)
    model.model.norm.weight.data[0] = torch.nan
    write_gguf(model, base.tokenizer, tmp_path / "model.gguf")
    lm = LlamaCpp(str(tmp_path / "model.gguf"), tokenizer=base.name)
    with pytest.raises(RuntimeError, match="NaN"):
        GreedyDecoder()(lm.engine, jobs)


@needs_llama_cpp
def test_it_is_saved_and_recognised(lm: LlamaCpp, base: CausalLM, tmp_path: Path) -> None:
    lm.save(tmp_path)
    lm.restore(tmp_path)
    model = copy.deepcopy(base.base.model)
    torch.nn.init.normal_(model.model.layers[0].mlp.down_proj.weight)
    write_gguf(model, base.tokenizer, tmp_path / "model.gguf")
    other = LlamaCpp(str(tmp_path / "model.gguf"), tokenizer=base.name)
    with pytest.raises(ValueError, match="another model"):
        other.restore(tmp_path)


def test_without_the_package(file: str, base: CausalLM, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("llama_engine", "llama_model"):
        monkeypatch.delitem(sys.modules, f"spacy_genner.engines.{module}", raising=False)
    monkeypatch.setitem(sys.modules, "llama_cpp", None)
    with pytest.raises(ImportError, match=r"pip install 'spacy-genner\[llama-cpp\]'"):
        _ = LlamaCpp(file, tokenizer=base.name).engine


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'nothing.gguf' cannot be read"):
        _ = LlamaCpp("nothing.gguf").engine
    (tmp_path / "model.gguf").write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"convert_hf_to_gguf.py"):
        _ = LlamaCpp(str(tmp_path / "model.gguf")).engine


@pytest.mark.parametrize("settings", [{"context": 0}, {"gpu_layers": -2}])
def test_settings_out_of_range(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be at least"):
        LlamaCpp("model.gguf", **settings)
