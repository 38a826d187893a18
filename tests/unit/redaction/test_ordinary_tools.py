"""Requests that everybody sends are not refused for words that a model may take for names."""

import json

import pytest

from pipeline.placeholders import Scope
from pipeline.policy import load_policies
from pipeline.policy_detector import PolicyDetectors
from pipeline.request import redact_request
from schemas.job import Endpoint

POLICIES = load_policies(None)
POLICY = POLICIES.select("t", None)
DETECTOR = PolicyDetectors(POLICIES)(POLICY)


def sent(request: dict[str, object]) -> str:
    redacted = redact_request(
        Endpoint.CHAT_COMPLETIONS,
        json.dumps({"model": "gpt-4o-mini", **request}).encode(),
        policy=POLICY,
        detector=DETECTOR,
        scope=Scope(key=b"k", id="t/job/1"),
    )
    return bytes(redacted.body).decode()


def tool(name: str, description: str, properties: dict[str, object]) -> dict[str, object]:
    schema = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    function = {"name": name, "description": description, "strict": True, "parameters": schema}
    return {"type": "function", "function": function}


@pytest.mark.parametrize(
    "names",
    [
        ("location", "unit"),
        ("lat", "lon"),
        ("sku", "isbn"),
        ("sha", "handler"),
        ("street", "unit"),
        ("firstName", "departmentId", "ssn"),
        ("gay",),
    ],
)
def test_the_names_of_properties_stay(names: tuple[str, ...]) -> None:
    tools = [tool("look_up", "Look it up.", {name: {"type": "string"} for name in names})]
    body = sent({"messages": [{"role": "user", "content": "What is the weather like today?"}], "tools": tools})
    assert json.loads(body)["tools"] == tools


@pytest.mark.parametrize(
    ("name", "description", "said"),
    [
        ("create_jira_issue", "Create an issue in Jira.", "Please open a ticket in Jira."),
        ("search_wikipedia", "Search Wikipedia for articles.", "What does Wikipedia say?"),
        ("google_search", "Search with Google.", "Ask Google."),
        ("get_weather_london", "The weather in London.", "What is the weather in London?"),
    ],
)
def test_a_tool_may_be_named_after_a_company_or_a_place(name: str, description: str, said: str) -> None:
    body = sent(
        {
            "messages": [{"role": "user", "content": said}],
            "tools": [tool(name, description, {"text": {"type": "string"}})],
        }
    )
    assert name in body


def test_an_enumeration_is_no_prose() -> None:
    values = ["asc", "desc", "visa", "mastercard", "paypal", "Python", "Kotlin", "NASDAQ", "NYSE"]
    tools = [tool("sort", "Sort them.", {"order": {"type": "string", "enum": values}})]
    body = sent({"messages": [{"role": "user", "content": "Sort them."}], "tools": tools})
    assert json.loads(body)["tools"] == tools


def test_what_rules_find_in_an_enumeration_is_redacted() -> None:
    address = "jane.roe" + "@" + "example.org"
    tools = [tool("sort", "Sort them.", {"order": {"type": "string", "enum": [address, "other"]}})]
    body = sent({"messages": [{"role": "user", "content": "Sort them."}], "tools": tools})
    assert address not in body


def test_a_name_is_one_thing_wherever_it_stands() -> None:
    body = sent({"messages": [{"role": "user", "content": "He lives in London now.\nCity: London\nLondon is large."}]})
    content = json.loads(body)["messages"][-1]["content"]
    assert "London" not in content
    assert len({word.strip(".") for word in content.split() if word.startswith("[")}) == 1
