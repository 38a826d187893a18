"""The optional adapters on models and rules made here; nothing is downloaded."""

from pathlib import Path

import pytest

from pipeline.adapters.recognizers import gliner, presidio, transformers

pytestmark = pytest.mark.extras
TEXT = "Mail jane@example.org about badge B-12345"


def test_presidios_rules_and_ones_own_are_found_under_our_names() -> None:
    recognizer = presidio.build({"patterns": {"BADGE": [r"B-\d{5}"]}})
    found = {(one.entity, TEXT[one.start : one.end]) for one in recognizer.find(TEXT)}
    assert {("EMAIL", "jane@example.org"), ("BADGE", "B-12345")} <= found
    assert {entity for entity, _ in found} <= recognizer.entities


def test_a_label_mapped_to_nothing_is_dropped() -> None:
    recognizer = presidio.build({"labels": {"EMAIL_ADDRESS": ""}})
    assert "EMAIL" not in recognizer.entities
    assert "EMAIL" not in {one.entity for one in recognizer.find(TEXT)}


def tiny_bert(folder: Path) -> None:
    """A token classifier without layers that calls "jane" a person: its embedding is the only one that counts."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertForTokenClassification, PreTrainedTokenizerFast

    words = {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "jane": 4}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    ).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(words), hidden_size=8, num_hidden_layers=0, num_attention_heads=1, intermediate_size=8,
        max_position_embeddings=64, id2label={0: "O", 1: "B-PER"}, label2id={"O": 0, "B-PER": 1},
    )  # fmt: skip
    model = BertForTokenClassification(config)
    embeddings = model.bert.embeddings
    with torch.no_grad():
        for table in (embeddings.word_embeddings, embeddings.position_embeddings, embeddings.token_type_embeddings):
            table.weight.zero_()
        embeddings.word_embeddings.weight[4, 0] = 8.0
        model.classifier.weight.zero_()
        model.classifier.weight[1, 0] = 4.0
        model.classifier.bias.copy_(torch.tensor([3.0, 0.0]))
    model.save_pretrained(folder)


def test_a_token_classifiers_words_are_found_in_texts_longer_than_its_window(tmp_path: Path) -> None:
    tiny_bert(tmp_path)
    recognizer = transformers.build({"model": str(tmp_path)})
    assert recognizer.entities == {"PERSON"}
    text = "write to jane " * 3 + "and so on " * 100 + "says jane"
    found = [(one.entity, text[one.start : one.end]) for one in recognizer.find(text)]
    assert found == [("PERSON", "jane")] * 4
    assert list(recognizer.find("")) == []


class Model:
    """Answers as GLiNER's `predict_entities` does; refuses a text of more words than its window."""

    def predict_entities(self, text: str, labels: list[str], threshold: float) -> list[dict[str, object]]:
        assert len(text.split()) <= 10
        assert (labels, threshold) == (["person"], 0.4)
        start = text.find("Jane")
        return [{"start": start, "end": start + 4, "text": "Jane", "label": "person", "score": 1.0000001}] * (
            start >= 0
        )


def test_gliners_entities_are_found_in_texts_longer_than_its_window() -> None:
    recognizer = gliner.GlinerRecognizer(Model(), {"person": "PERSON"}, 0.4, words=10)
    text = "word " * 57 + "Jane " + "word " * 30
    found = {(one.start, one.end, one.entity, one.score) for one in recognizer.find(text)}
    assert found == {(285, 289, "PERSON", 1.0)}
