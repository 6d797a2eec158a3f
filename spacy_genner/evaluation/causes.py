"""Why a model may answer in another way than its set-up expects.

Each cause is looked for in what was measured, mostly by trying what the set-up could have been
instead, and comes with its evidence.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import PurePath

from ..models.answered import BASE, CHAT
from .metrics import percent
from .other_formats import described, read_by
from .probed import Probed

# The thresholds lie between what was measured in right and in wrong set-ups of SmolLM2-135M with an
# adapter (`benchmarks/wrong_setups.py`). Log-probabilities are means of the ids of gold answers.
_ALIKE = 0.01
"""The greatest difference between the log-probabilities of a base and of a model that computes the
same but for rounding. Measured: 0 without an adapter, 1 with it."""
_POOR = -0.5
"""The log-probability below which gold answers are improbable. Measured: -0.3 in the right set-up,
-1.4 without the adapter."""
_RISE = 0.1
"""The least rise of the mean probability, e to the log-probability, with the right chat template.
Measured: 0.24 and 0.29 where it was wrong, at most 0.06 where something else was."""
_BETTER = 0.3
"""The least rise of the F1 of spans without labels when answers are read in their own format.
Measured: 0.8, from 0."""
_SHARE = 0.2
"""The least share of spans with labels that are unknown. A few may be mistakes of a model, or rare
labels that are not asked for. Measured where labels were renamed: 1."""
_LITTLE = 0.5
"""The F1 under constraints below which a model does not do what it is asked."""
_SPELLING = 2.0
"""The least rise of the log-probability of a whole gold answer when the tokenizer spells it.
Measured: 7.7 for an adapter that was trained elsewhere."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A likely cause.

    Attributes:
        name: What is wrong.
        evidence: What was measured.
        change: What to change.
        weight: How much of what is wrong the cause explains, from 0 to 1.
    """

    name: str
    evidence: str
    change: str
    weight: float


def likely_causes(probed: Probed) -> list[Cause]:
    """Return the causes for which there is evidence, the most likely first."""
    found = [cause for look_for in CAUSES if (cause := look_for(probed))]
    return sorted(found, key=lambda cause: -cause.weight)


def notes(probed: Probed) -> list[str]:
    """Return what deserves a look where no cause was found."""
    found = list[str]()
    segments, whole = probed.spellings
    if whole - segments >= _SPELLING:
        found.append(
            "gold answers are more probable as the tokenizer spells them as a whole than as they "
            "are spelled under constraints, segment by segment: the model has learnt ids that join "
            "a mark with what is beside it, such as `[[`, and may miss spans there. Compare "
            "spacy_genner.FreeDecoder.v1 in [model.decoder], go on training with `genner train`, "
            "or train on the token ids that `genner export` writes"
        )
    if probed.log_prob() < _POOR and probed.constrained_f < _LITTLE:
        found.append(
            "gold answers are improbable, and nothing that was tried is better: compare the prompt "
            "with the one that the model was trained on (`genner show-prompt`)"
        )
    return found


def adapter_missing(probed: Probed) -> Cause | None:
    """Look for a model that computes what its base computes, and that gold answers surprise."""
    if BASE not in probed.ways or probed.log_prob() > _POOR:
        return None
    if abs(probed.log_prob() - probed.log_prob(BASE)) > _ALIKE:
        return None
    places = ", ".join(f"{place} {value:.1f}" for place, (_, value) in probed.by_place().items())
    return Cause(
        "adapter missing",
        f"the model computes what {probed.base!r} computes, so that nothing trained is in use, and "
        f"gold answers have a mean log-probability of {probed.log_prob():.2f} ({places})",
        "give the folder of the adapter as `adapter` in [model.lm], or a folder of merged weights "
        "as `name`",
        1 - math.exp(probed.log_prob()),
    )


def other_base(probed: Probed) -> Cause | None:
    """Look for an adapter that was trained on a base of another name, and that gold answers
    surprise."""
    trained_on = probed.trained_on
    if trained_on is None or _last(trained_on) == _last(probed.base):
        return None
    if probed.log_prob() > _POOR:
        return None
    return Cause(
        "another base",
        f"the adapter was trained on {trained_on!r}, but `name` is {probed.base!r}, and gold "
        f"answers have a mean log-probability of {probed.log_prob():.2f}",
        f"set `name` in [model.lm] to {trained_on!r}, or to the folder where it is",
        1 - math.exp(probed.log_prob()),
    )


def _last(name: str) -> str:
    return PurePath(name).name.casefold()


def other_format(probed: Probed) -> Cause | None:
    """Look for a format, or for other delimiters, whose reader finds more in the free answers."""
    best, own = probed.best_format, probed.format
    (f, legal), (own_f, own_legal) = probed.read_as(best), probed.read_as(own)
    if f - own_f < _BETTER:
        return None
    return Cause(
        "other delimiters" if type(best) is type(own) else "another format",
        f"read as {described(best)}, the free answers have {percent(f)} % of F1, for spans without "
        f"labels, and {percent(legal)} % of them are legal; read as {described(own)}, these are "
        f"{percent(own_f)} and {percent(own_legal)} %",
        f"set [model.format] to {described(best)}",
        f - own_f,
    )


def other_labels(probed: Probed) -> Cause | None:
    """Look for labels in the free answers that the model was not asked for."""
    meant, known, seen = defaultdict[str, Counter[str]](Counter), 0, set[str]()
    for answer in probed.answers:
        gold = {(entity.start, entity.end): entity.label for entity in answer.gold}
        for entity in read_by(probed.best_format, answer)[0]:
            if entity.label in probed.label_of:
                known += 1
                seen.add(probed.label_of[entity.label])
            elif entity.label and (word := gold.get((entity.start, entity.end))):
                meant[entity.label][probed.label_of[word]] += 1
    unknown = sum(labels.total() for labels in meant.values())
    if not unknown or unknown / (known + unknown) < _SHARE:
        return None
    pairs = {word: labels.most_common(1)[0] for word, labels in meant.items()}
    counts = ", ".join(f"{word!r} for {label} ({n})" for word, (label, n) in pairs.items())
    words = {word: label for word, (label, _) in pairs.items()}
    unseen = sorted(set(probed.label_of.values()) - seen - set(words.values()))
    if unseen:
        counts += f"; what it calls {', '.join(unseen)} is not seen in these documents"
    return Cause(
        "other labels",
        f"of {known + unknown} gold spans that the free answers mark, {unknown} have labels that "
        f"the model was not asked for: {counts}",
        f"set label_words in [model] to {json.dumps(words, ensure_ascii=False)}",
        unknown / (known + unknown),
    )


def other_chat(probed: Probed) -> Cause | None:
    """Look for gold answers that are more probable with the chat template, or without it."""
    own = probed.log_prob()
    for setting in set(CHAT.values()) & set(probed.ways):
        other = probed.log_prob(setting)
        rise = math.exp(other) - math.exp(own)
        if rise >= _RISE:
            return Cause(
                "the chat template",
                f"with {setting}, gold answers have a mean log-probability of {other:.2f}, and as "
                f"it is set up, of {own:.2f}",
                f"set {setting} in [model.prompt]",
                rise,
            )
    return None


def labels_of_data(probed: Probed) -> Cause | None:
    """Look for gold spans whose labels are not in the label set."""
    lost = probed.lost.get("with an unknown label", 0)
    gold = sum(len(answer.gold) for answer in probed.answers) + sum(probed.lost.values())
    if not gold or lost / gold < _SHARE:
        return None
    return Cause(
        "labels of the documents",
        f"{lost} of {gold} gold spans have labels that are not among those of the pipeline",
        "give the component's `labels` the names that the documents have",
        lost / gold,
    )


CAUSES = (adapter_missing, other_base, other_format, other_labels, other_chat, labels_of_data)
"""What is looked for."""
