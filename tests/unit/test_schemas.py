"""The generated documents are those of the Structs, and the Structs keep their promises."""

import json
from importlib.metadata import packages_distributions

import jsonschema
import msgspec
import pytest

from schemas.export import FOLDER, MESSAGES, SEALED, documents
from schemas.job import Job
from schemas.topics import TOPICS


def test_generated_documents_are_in_step() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    assert written == documents(), "run `make schemas`"


def test_the_json_schema_takes_what_the_struct_takes() -> None:
    schema = json.loads(documents()["Job.schema.json"])
    good = {"schema": "job/1", "job_id": "a", "endpoint": "responses", "request": {"model": "m"}}
    jsonschema.validate(good, schema)
    msgspec.json.decode(json.dumps(good), type=Job)
    for bad in ({**good, "more": 1}, {**good, "schema": "job/2"}, {"schema": "job/1"}, {**good, "job_id": "a b"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, schema)


@pytest.mark.parametrize("message", [*MESSAGES.values(), *SEALED.values()], ids=lambda message: message.__name__)
def test_no_message_shows_its_fields(message: type[msgspec.Struct]) -> None:
    shown = message.__repr__
    assert shown is not msgspec.Struct.__repr__


def test_every_topic_says_what_lies_on_its_disk() -> None:
    assert {topic.id for topic in TOPICS.values() if topic.holds == "raw"} == {"plain"}


def test_no_other_distribution_provides_our_packages() -> None:
    # `openai-agents` ships a package `agents` as well and would overwrite ours silently.
    for package in ("agents", "pipeline", "schemas"):
        assert set(packages_distributions().get(package, ["veilstream"])) == {"veilstream"}
