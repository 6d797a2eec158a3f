"""Concatenated segments must spell the concatenated text, with every family of tokenizers."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers
from tokenizers.processors import TemplateProcessing
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from spacy_genner.lm.pieces import Pieces
from spacy_genner.types import Source

TOKENIZERS = ["bpe", "spm"]
CONTROL = {"bpe": ["<|endoftext|>", "<|im_start|>", "<|im_end|>"], "spm": ["<unk>", "<s>", "</s>"]}
KNOWN = " $'(),-.012345:ABCEGILMNOPRTU[\\]abcdefghiklmnoprstuvwxy|"
"""ASCII characters that the small SentencePiece vocabulary has."""

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="▁"), max_size=20)
known = st.text(KNOWN, max_size=20)


@pytest.fixture(scope="module")
def tokenizers(tiny: Callable[..., str]) -> dict[str, Any]:
    return {name: AutoTokenizer.from_pretrained(tiny("llama", name)) for name in TOKENIZERS}


@pytest.fixture(scope="module")
def pieces(tokenizers: dict[str, Any]) -> dict[str, Pieces]:
    return {name: Pieces(tokenizer) for name, tokenizer in tokenizers.items()}


def plain(ids: tuple[int, ...], tokenizer: Any) -> str:
    """What SentencePiece ids spell, without the rule that takes the first space away."""
    return "".join(tokenizer.convert_ids_to_tokens(list(ids))).replace("▁", " ")


@given(first=texts, second=texts)
def test_byte_level_segments_spell_their_concatenation(
    pieces: dict[str, Pieces], tokenizers: dict[str, Any], first: str, second: str
) -> None:
    encode = pieces["bpe"].encode
    decoded = tokenizers["bpe"].decode(
        encode(first) + encode(second), clean_up_tokenization_spaces=False
    )
    assert decoded == first + second


@given(first=known, second=known)
def test_sentencepiece_segments_spell_their_concatenation(
    pieces: dict[str, Pieces], tokenizers: dict[str, Any], first: str, second: str
) -> None:
    encode = pieces["spm"].encode
    assert plain(encode(first) + encode(second), tokenizers["spm"]) == first + second


@given(text=texts.filter(bool))
def test_every_character_leaves_a_trace(pieces: dict[str, Pieces], text: str) -> None:
    assert all(pieces[name].encode(text) for name in TOKENIZERS)


def test_a_tokenizer_that_puts_a_space_before_a_text_is_recognised(
    tokenizers: dict[str, Any],
) -> None:
    raw = tokenizers["spm"]("bought", add_special_tokens=False).input_ids
    assert plain(raw, tokenizers["spm"]) == " bought", "otherwise this says nothing"
    encode = Pieces(tokenizers["spm"]).encode
    assert plain(encode("bought"), tokenizers["spm"]) == "bought"
    assert list(encode(" bought")) == raw


@pytest.mark.parametrize("name", TOKENIZERS)
def test_no_text_gives_no_ids(pieces: dict[str, Pieces], name: str) -> None:
    assert pieces[name].encode("") == ()
    assert pieces[name].encode_template("") == []


@pytest.mark.parametrize(
    ("name", "token"), [(name, token) for name in TOKENIZERS for token in CONTROL[name]]
)
def test_text_never_becomes_a_control_token(
    pieces: dict[str, Pieces], tokenizers: dict[str, Any], name: str, token: str
) -> None:
    control = tokenizers[name].convert_tokens_to_ids(token)
    assert tokenizers[name].convert_ids_to_tokens(control) == token
    unknown = tokenizers[
        name
    ].unk_token_id  # of "|", for one: that is a placeholder, not the text's own token
    for text in (token, f" {token}", f"a{token}b", f"{token}{token}"):
        ids = pieces[name].encode(text)
        assert len(ids) > 1
        if name == "bpe":
            assert control not in ids
            assert tokenizers[name].decode(ids) == text
        elif control != unknown:
            assert control not in ids


def test_all_special_tokens_are_among_those_tested(tokenizers: dict[str, Any]) -> None:
    for name in TOKENIZERS:
        assert set(tokenizers[name].all_special_tokens) | set(
            tokenizers[name].get_added_vocab()
        ) == set(CONTROL[name])


def test_text_after_a_template_is_split_again(
    pieces: dict[str, Pieces], tokenizers: dict[str, Any]
) -> None:
    end = tokenizers["bpe"].convert_tokens_to_ids("<|im_end|>")
    fresh = Pieces(tokenizers["bpe"])
    assert fresh.encode_template("<|im_end|>") == [end]
    assert end not in fresh.encode("<|im_end|>")
    assert fresh.encode_template("<|im_end|>") == [end]


@pytest.mark.parametrize("text", ["ℵ", "ℵℵ", "ℵ!", " ℵ", "\u200b"])
def test_unknown_characters_become_the_unknown_token(
    pieces: dict[str, Pieces], tokenizers: dict[str, Any], text: str
) -> None:
    ids = pieces["spm"].encode(text)
    assert tokenizers["spm"].unk_token_id in ids


def sentencepiece(vocabulary: list[str], merges: list[tuple[str, str]]) -> Pieces:
    backend = Tokenizer(
        models.BPE(
            {t: i for i, t in enumerate(vocabulary)}, merges, unk_token="<unk>", fuse_unk=True
        )
    )
    backend.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    backend.decoder = decoders.Metaspace()
    return Pieces(PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="<unk>"))


def test_an_unknown_sentinel_does_not_swallow_an_unknown_text() -> None:
    pieces = sentencepiece(["<unk>", "▁", "a", "é"], [])
    assert [pieces.encode(text) for text in ("x", "xa", " x", "a")] == [(0,), (0, 2), (1, 0), (2,)]


def test_a_sentinel_that_merges_with_the_text_is_not_used() -> None:
    pieces = sentencepiece(["<unk>", "▁", "\n", "a", "\na", "|"], [("\n", "a")])
    assert [pieces.encode(text) for text in ("a", " a", "\na")] == [(3,), (1, 3), (4,)]


def test_a_tokenizer_without_any_usable_sentinel() -> None:
    with pytest.raises(ValueError, match="cannot write 'a' inside a text"):
        sentencepiece(["<unk>", "▁", "a"], []).encode("a")


def test_the_space_of_sentencepiece_is_written_as_an_underscore(pieces: dict[str, Pieces]) -> None:
    for name in TOKENIZERS:
        assert pieces[name].encode("▁a▁") == pieces[name].encode("_a_")


@pytest.mark.parametrize("name", TOKENIZERS)
def test_check_accepts_what_can_be_written(pieces: dict[str, Pieces], name: str) -> None:
    pieces[name].check(["[", " [", " | ORG]", " | PER]"])


@pytest.mark.parametrize("text", [" | ℵ]", "ℵ", ""])
def test_check_refuses_what_cannot_be_written(pieces: dict[str, Pieces], text: str) -> None:
    with pytest.raises(ValueError, match=r"cannot write .*choose other labels"):
        pieces["spm"].check(["[", text])


def test_byte_level_writes_everything_but_nothing(pieces: dict[str, Pieces]) -> None:
    pieces["bpe"].check([" | ℵ組織]"])
    with pytest.raises(ValueError, match="cannot write ''"):
        pieces["bpe"].check([""])


def test_a_prefix_without_a_start_token(
    pieces: dict[str, Pieces], tokenizers: dict[str, Any]
) -> None:
    assert (
        tokenizers["bpe"].decode(pieces["bpe"].encode_prefix("Copy the text\n"))
        == "Copy the text\n"
    )
    assert pieces["bpe"].encode_prefix("") == (
        tokenizers["bpe"].eos_token_id,
    )  # there is always something to read


def marking(tokenizer: Any, template: str) -> Any:
    """A copy of a tokenizer that puts special tokens around a text."""
    tokenizer = copy.deepcopy(tokenizer)
    special = [(token, tokenizer.convert_tokens_to_ids(token)) for token in ("<s>", "</s>")]
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single=template, special_tokens=special
    )
    return tokenizer


@pytest.mark.parametrize(
    ("template", "start"),
    [
        ("<s> $A", ["<s>"]),
        ("<s> $A </s>", ["<s>"]),
        ("$A </s>", []),
        ("<s> </s> $A", ["<s>", "</s>"]),
    ],
)
def test_a_prefix_begins_as_the_model_expects_once(
    tokenizers: dict[str, Any], template: str, start: list[str]
) -> None:
    tokenizer = marking(tokenizers["spm"], template)
    pieces = Pieces(tokenizer)
    tokens = tokenizer.convert_ids_to_tokens(list(pieces.encode_prefix("the text")))
    assert tokens[: len(start)] == start
    assert not {"<s>", "</s>"} & set(tokens[len(start) :])
    assert "".join(tokens[len(start) :]) == "▁the▁text"  # at a text's start, its own space is right
    written = pieces.encode_prefix("".join(start) + "the text")  # by a chat template
    assert tokenizer.convert_ids_to_tokens(list(written)).count("<s>") == start.count("<s>")
    assert pieces.encode_prefix("") == (
        tuple(tokenizer.convert_tokens_to_ids(start)) or (pieces.end,)
    )


def test_the_end_of_a_prompt_gets_no_space_of_its_own(
    pieces: dict[str, Pieces], tokenizers: dict[str, Any]
) -> None:
    ids = pieces["spm"].encode_template("\nAnswer:\n")
    assert plain(tuple(ids), tokenizers["spm"]) == "\nAnswer:\n"


@pytest.mark.parametrize("name", TOKENIZERS)
def test_control_tokens_of_a_template_are_control_tokens(
    pieces: dict[str, Pieces], tokenizers: dict[str, Any], name: str
) -> None:
    for token in CONTROL[name]:
        assert tokenizers[name].convert_tokens_to_ids(token) in pieces[name].encode_template(
            f"a{token}b"
        )
        assert tokenizers[name].convert_tokens_to_ids(token) in pieces[name].encode_prefix(
            f"a{token}b"
        )


@pytest.mark.parametrize("name", TOKENIZERS)
def test_without_a_chat_template(pieces: dict[str, Pieces], name: str) -> None:
    with pytest.raises(ValueError, match="no chat template: set chat = false"):
        pieces[name].chat_template([{"role": "user", "content": "Copy the text."}])


CHAT = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    "{% if enable_thinking is false %}<think>\n\n</think>{% endif %}"
)
USER = {"role": "user", "content": "Copy the text."}


@pytest.fixture
def chatting(tokenizers: dict[str, Any]) -> Pieces:
    tokenizer = copy.deepcopy(tokenizers["bpe"])
    tokenizer.chat_template = CHAT
    return Pieces(tokenizer)


def test_with_a_chat_template(chatting: Pieces) -> None:
    said = chatting.chat_template([USER])
    assert said == "<|im_start|>user\nCopy the text.<|im_end|>\n<|im_start|>assistant\n"
    system = {"role": "system", "content": "You copy."}
    assert chatting.chat_template([system, USER]) == (
        f"<|im_start|>system\nYou copy.<|im_end|>\n{said}"
    )


def test_arguments_of_a_chat_template(chatting: Pieces) -> None:
    said = chatting.chat_template([USER], {"enable_thinking": True})
    assert said == chatting.chat_template([USER])
    off = chatting.chat_template([USER], {"enable_thinking": False})
    assert off == f"{said}<think>\n\n</think>"


@pytest.mark.parametrize("name", ["enable_thinkin", "enable", "thinking", "tokenize", "(", ""])
def test_an_argument_that_a_chat_template_does_not_mention(chatting: Pieces, name: str) -> None:
    with pytest.raises(ValueError, match="does not mention: check the spelling") as error:
        chatting.chat_template([USER], {"enable_thinking": False, name: False})
    assert f"chat_arguments has {name!r}, which" in str(error.value)


def test_several_chat_templates(chatting: Pieces) -> None:
    """Of named templates, the one called "default" is used."""
    chatting._tokenizer.chat_template = {"default": CHAT, "rag": "{{ documents }}"}
    assert chatting.chat_template([USER]).endswith("assistant\n")
    with pytest.raises(ValueError, match="chat_arguments has 'documents'"):
        chatting.chat_template([USER], {"documents": []})


def test_the_end_of_an_answer(pieces: dict[str, Pieces], tokenizers: dict[str, Any]) -> None:
    assert pieces["bpe"].end == tokenizers["bpe"].convert_tokens_to_ids("<|im_end|>")
    assert pieces["spm"].end == tokenizers["spm"].convert_tokens_to_ids("</s>")
    without = copy.deepcopy(tokenizers["bpe"])
    without.eos_token = None
    with pytest.raises(ValueError, match="no end-of-sequence token"):
        _ = Pieces(without).end


@pytest.mark.parametrize("name", TOKENIZERS)
def test_the_words_of_a_source(pieces: dict[str, Pieces], name: str) -> None:
    found = pieces[name].words(Source(("The", "old", ","), (False, True, False)))
    assert found == [pieces[name].encode(text) for text in ("The", " old", ",")]
    assert pieces[name].words(Source((), ())) == []


@pytest.mark.parametrize("name", TOKENIZERS)
def test_pickling(pieces: dict[str, Pieces], name: str) -> None:
    text = "Essex [County] </s> ℵ"
    expected = pieces[name].encode(text)
    loaded = pickle.loads(pickle.dumps(pieces[name]))
    assert loaded is not pieces[name]
    assert loaded.encode(text) == expected
    assert loaded.encode.cache_info().currsize == 1  # nothing but this was remembered


def test_a_deep_copy_needs_no_second_tokenizer(pieces: dict[str, Pieces]) -> None:
    assert copy.deepcopy(pieces["bpe"]) is pieces["bpe"]


def test_added_tokens_that_are_no_control_tokens_may_stay_whole(tokenizers: dict[str, Any]) -> None:
    """Tokenizers add words of their own to the vocabulary; those are text."""
    tokenizer = copy.deepcopy(tokenizers["bpe"])
    tokenizer.add_tokens([AddedToken("c-fos", special=False)])
    assert tokenizer.decode(Pieces(tokenizer).encode("a c-fos")) == "a c-fos"


@pytest.fixture(scope="module")
def t5(tiny_t5: Callable[..., str]) -> Any:
    return AutoTokenizer.from_pretrained(tiny_t5())


def read(pieces: Pieces, *words: str) -> list[str]:
    """The words of a source as formats see them, a hyphen for the placeholder."""
    return [
        word.replace("\ue001", "-")
        for word in pieces.readable(Source(words, (True,) * len(words))).words
    ]


segments = st.from_regex(r" ?[$'(),.012:ABCE\[abcdeg\]|]{1,8}", fullmatch=True)


@given(segments, segments)
def test_segments_of_t5_spell_their_concatenation(t5: Any, first: str, second: str) -> None:
    encode = Pieces(t5).encode
    assert plain(encode(first) + encode(second), t5) == first + second


@pytest.mark.parametrize(
    ("word", "seen"),
    [
        ("Essex", "Essex"),
        ("［a］", "[a]"),  # what the tokenizer makes of it, so that the format can escape it
        ("…", "..."),
        ("{", "-"),
        ("a{b}", "a-b-"),
        ("👍🏽", "-"),
        ("a\\", "a-"),
        ("ℵ☃", "-"),  # one unknown token
        ("\u200b", "-"),
        ("</s>", "-s-"),  # T5 reads it as its end, wherever it stands; and lacks these brackets
        ("a</s>b", "a-s-b"),
        ("<extra_id_0>", "-extra-id-0-"),
        ("▁", "-"),
    ],
)
def test_what_t5_reads_of_a_word(t5: Any, word: str, seen: str) -> None:
    assert read(Pieces(t5), word) == [seen]


@given(words=st.lists(texts.filter(str.strip), max_size=5), spaced=st.booleans())
def test_a_readable_source_stays_as_it_is_and_holds_no_control_tokens(
    t5: Any, words: list[str], spaced: bool
) -> None:
    pieces = Pieces(t5)
    once = pieces.readable(Source(tuple(words), (spaced,) * len(words)))
    assert len(once) == len(words) and pieces.readable(once) == once
    control = {*t5.all_special_ids} - {t5.unk_token_id}
    for text in (space + word for word in once.words for space in ("", " ")):
        assert pieces.encode(text) and not control & {*pieces.encode(text)}


@pytest.mark.parametrize("name", TOKENIZERS)
@given(words=st.lists(texts.filter(str.strip), max_size=5))
def test_other_tokenizers_write_a_readable_source_as_the_source(
    pieces: dict[str, Pieces], name: str, words: list[str]
) -> None:
    source = Source(tuple(words), (False,) * len(words))
    seen = pieces[name].readable(source)
    assert seen.spaces == source.spaces
    if name == "bpe":
        assert seen.words == source.words


def test_a_source_begins_with_a_space_where_that_of_the_prompt_is_lost(
    t5: Any, pieces: dict[str, Pieces]
) -> None:
    source = Source(("a", "b"), (False, False))
    assert Pieces(t5).readable(source).spaces == (True, False)
    assert pieces["spm"].readable(source).spaces == (False, False)
    assert Pieces(t5).readable(Source((), ())) == Source((), ())


def test_a_line_break_is_nothing_to_t5(t5: Any) -> None:
    """And no sentinel."""
    assert Pieces(t5).encode_template("\n") == []
    assert plain(Pieces(t5).encode("Essex"), t5) == "Essex"
    assert plain(Pieces(t5).encode(" Essex"), t5) == " Essex"


@pytest.mark.parametrize("text", ["{", "</s>", "\n", "<extra_id_0>"])
def test_marks_that_t5_cannot_write(t5: Any, text: str) -> None:
    with pytest.raises(ValueError, match=r"cannot write .*choose other labels"):
        Pieces(t5).check(["[", text])


@pytest.mark.parametrize(
    ("template", "end"),
    [("<s> $A", []), ("<s> $A </s>", ["</s>"]), ("$A </s> <s>", ["</s>", "<s>"])],
)
def test_how_a_text_ends(tokenizers: dict[str, Any], template: str, end: list[str]) -> None:
    tokenizer = marking(tokenizers["spm"], template)
    assert tokenizer.convert_ids_to_tokens(list(Pieces(tokenizer).closing)) == end


def test_what_an_answer_begins_after(t5: Any) -> None:
    assert Pieces(t5).answer_start == ()
    assert pickle.loads(pickle.dumps(Pieces(t5, (0,)))).answer_start == (0,)
    assert Pieces(t5, (0,)).encode_prefix("") == ()
