"""A token classification model of Hugging Face's transformers as a plug-in: `use = "transformers"`.

Options: `model` (a folder with model and fast tokenizer; nothing is fetched), `labels`
(the model's label without B-/I- → ours, "" drops it), `threads` (1).
"""

import os
from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.adapters.recognizers.labels import finding, labels_of, missing, only
from pipeline.detection.types import Finding, Recognizer

LABELS = {"PER": "PERSON", "PERSON": "PERSON", "ORG": "ORGANIZATION", "LOC": "LOCATION"}
# Tokens that two windows over a long text share.
_STRIDE = 32


class TransformersRecognizer:
    """One pipeline; long texts go through it in overlapping windows."""

    name = "transformers"
    reads = True

    def __init__(self, pipeline: Any, labels: Mapping[str, str]) -> None:
        self._pipeline, self._labels = pipeline, labels
        known = {label.split("-", 1)[-1] for label in pipeline.model.config.id2label.values()}
        self.entities = frozenset(entity for label, entity in labels.items() if label in known)

    def find(self, text: str) -> Iterable[Finding]:
        """Give the model's words, joined as it labels them."""
        for group in self._pipeline(text) if text.strip() else ():
            entity = self._labels.get(group["entity_group"])
            if entity and group["start"] < group["end"]:
                yield finding(group["start"], group["end"], entity, group["score"])


def build(options: Mapping[str, Any]) -> Recognizer:
    """Make it from the options in the policy file."""
    only(options, "model", "threads")
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
    try:
        import torch
        from transformers import AutoModelForTokenClassification, AutoTokenizer, pipeline
    except ModuleNotFoundError:
        raise missing("transformers") from None
    torch.set_num_threads(int(options.get("threads", 1)))
    model = AutoModelForTokenClassification.from_pretrained(options["model"], local_files_only=True)
    tokenizer = AutoTokenizer.from_pretrained(options["model"], local_files_only=True, use_fast=True)
    tokenizer.model_max_length = min(tokenizer.model_max_length, model.config.max_position_embeddings)
    made = pipeline(
        "token-classification",
        model=model,
        tokenizer=tokenizer,
        aggregation_strategy="first",
        stride=min(_STRIDE, tokenizer.model_max_length // 4),
        device="cpu",
    )
    return TransformersRecognizer(made, labels_of(options, LABELS))
