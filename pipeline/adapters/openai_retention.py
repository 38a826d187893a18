"""What OpenAI says of an organisation's data retention (`GET /organization/data_retention`, needs an admin key)."""

from typing import Annotated
from urllib.parse import urlsplit

import aiohttp
import httpx2
import msgspec
import openai
from openai import AsyncOpenAI, DefaultAioHttpClient

from pipeline.adapters.answer_limit import UNENCODED, limit_answers
from pipeline.adapters.openai_llm import check_base_url, is_loopback
from pipeline.errors import VeilError
from pipeline.settings import MIB, OpenAISettings
from schemas.base import END
from schemas.codes import ErrorCode

_TIMEOUT = 10.0


class RetentionUnread(VeilError):
    """OpenAI did not say; `detail` tells why."""

    code = ErrorCode.OPENAI_UNAVAILABLE


class _Answer(msgspec.Struct):
    type: Annotated[str, msgspec.Meta(pattern=rf"^[a-z_]{{1,64}}{END}")]


async def read_retention(base_url: str, admin_key: str, settings: OpenAISettings) -> str:
    """The organisation's control as OpenAI names it, such as `zero_data_retention`.

    A host that is not OpenAI's is not shown the admin key, even where calls go there.

    Raises:
        RetentionUnread: it could not be had.
        WrongSettings: the base URL is not allowed.
    """
    check_base_url(base_url, settings)
    host = urlsplit(base_url).hostname or ""
    if host in settings.allowed_hosts and not is_loopback(host):
        raise RetentionUnread(f"{host} is not OpenAI, so it is not shown the admin key")
    client = AsyncOpenAI(
        api_key="",
        admin_api_key=admin_key,
        base_url=base_url,
        max_retries=0,
        timeout=_TIMEOUT,
        default_headers=UNENCODED,
        http_client=DefaultAioHttpClient(
            event_hooks={"response": [limit_answers(MIB)]}, follow_redirects=False, trust_env=not is_loopback(host)
        ),
    )
    async with client:
        try:
            answer = await client.admin.organization.data_retention.with_raw_response.retrieve()
            return msgspec.json.decode(answer.content, type=_Answer).type
        except openai.APIStatusError as exc:
            raise RetentionUnread(f"HTTP status {exc.status_code}") from None
        except (openai.OpenAIError, httpx2.HTTPError, aiohttp.ClientError, OSError, VeilError) as exc:
            raise RetentionUnread(type(exc).__name__) from None
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise RetentionUnread("an answer of another form") from None
