"""Keys of the vendors that have an entity of their own; all others are lines in `vendors`."""

import binascii
import re

from pipeline.detection.randomness import is_masked, looks_random
from pipeline.detection.rules import Rule

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


def crc32_base62(value: str) -> bool:
    """Check the six base62 digits of CRC32 that end a token of GitHub or npm (both document it).

    The sum is over what stands between the prefix, four characters of either, and the digits.
    """
    return _written(binascii.crc32(value[4:-6].encode()), _BASE62, 6) == value[-6:]


def crc32_base36(value: str) -> bool:
    """Check the seven base36 digits of CRC32 that end a routable token of GitLab (its handbook, Cells)."""
    parts = value.rsplit(".", 2)
    if len(parts) != 3 or len(parts[1]) != 2 or len(parts[2]) != 9:
        return False
    return _written(binascii.crc32(value[:-7].encode()), _BASE36, 7) == value[-7:]


def crc32_hex(value: str) -> bool:
    """Check the CRC32, its lowest byte first, that ends a token of a Grafana service account (Grafana's source)."""
    body, _, check = value.rpartition("_")
    return binascii.crc32(body.encode()).to_bytes(4, "little").hex() == check.lower()


def _written(number: int, alphabet: str, digits: int) -> str:
    text = ""
    for _ in range(digits):
        number, digit = divmod(number, len(alphabet))
        text = alphabet[digit] + text
    return text


def _not_masked(value: str) -> bool:
    return not is_masked(value)


RULES = (
    Rule(
        entity="OPENAI_KEY",
        anchor=r"sk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20}",
        pattern=r"sk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,200}",
        check=_not_masked,
        score=0.97,
    ),
    Rule(
        entity="OPENAI_KEY",
        anchor=r"sk-[A-Za-z0-9-]{0,24}[A-Za-z0-9]{20}T3BlbkFJ",
        pattern=r"sk-[A-Za-z0-9-]{0,24}[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20,80}",
        check=_not_masked,
        score=0.99,
    ),
    Rule(
        entity="OPENAI_KEY",
        anchor=r"\bsk-[A-Za-z0-9]{40}",
        pattern=r"sk-[A-Za-z0-9]{40,64}",
        check=_not_masked,
        score=0.85,
    ),
    Rule(
        entity="ANTHROPIC_KEY",
        anchor=r"sk-ant-[a-z0-9]{3,12}-[A-Za-z0-9_-]{20}",
        pattern=r"sk-ant-[a-z0-9]{3,12}-[A-Za-z0-9_-]{20,200}",
        score=0.98,
        bounded=False,
    ),
    Rule(
        entity="AWS_ACCESS_KEY",
        anchor=r"\b(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{16}\b",
        pattern=r"(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{16}",
        check=lambda value: not value.endswith("EXAMPLE") and not is_masked(value),
        score=0.95,
    ),
    Rule(
        entity="AWS_SECRET_KEY",
        context=(
            "aws",
            "secret access key",
            "secret_access_key",
            "secretaccesskey",
            "aws secret",
            "amazon",
            "aws_secret_access_key",
            "secretkey",
        ),
        link=r"[^\n]{0,48}?[\"'`\s=:>,]",
        pattern=r"(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])",
        check=lambda value: (
            looks_random(value) and not re.fullmatch(r"[0-9a-f]{40}|[^A-Z]+|[^a-z]+", value) and "EXAMPLE" not in value
        ),
        score=0.9,
        bounded=False,
    ),
    Rule(
        entity="GCP_KEY",
        anchor=r"AIza[A-Za-z0-9_-]{35}",
        pattern=r"AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])",
        check=_not_masked,
        score=0.95,
        bounded=False,
    ),
    Rule(
        entity="GCP_KEY",
        anchor=r"GOCSPX-[A-Za-z0-9_-]{28}",
        pattern=r"GOCSPX-[A-Za-z0-9_-]{28}",
        check=_not_masked,
        score=0.97,
        bounded=False,
    ),
    Rule(
        entity="GCP_KEY",
        anchor=r"ya29\.[A-Za-z0-9_-]{20}",
        pattern=r"ya29\.[A-Za-z0-9_.-]{20,400}",
        check=_not_masked,
        score=0.95,
        bounded=False,
    ),
    Rule(
        entity="GCP_KEY",
        anchor=r"\b1//0[A-Za-z0-9_-]{40}",
        pattern=r"1//0[A-Za-z0-9_-]{40,160}",
        check=_not_masked,
        score=0.9,
        bounded=False,
    ),
    Rule(
        entity="GCP_KEY",
        anchor=r"\"type\"\s{0,4}:\s{0,4}\"service_account\"",
        pattern=(
            r"\"type\"\s{0,4}:\s{0,4}\"service_account\"[^{}]{0,8192}?(?P<v>\"private_key_id\"[^{}]"
            r"{0,8192}?\"private_key\"\s{0,4}:\s{0,4}\"[^\"]{16,8192}\")"
        ),
        check=_not_masked,
        score=0.98,
        bounded=False,
    ),
    Rule(
        entity="AZURE_KEY",
        anchor=r"(?i)AccountKey=[A-Za-z0-9+/]{40}",
        pattern=r"(?i:AccountKey=)(?P<v>[A-Za-z0-9+/]{40,100}={0,2})",
        score=0.98,
        bounded=False,
    ),
    Rule(
        entity="AZURE_KEY",
        anchor=r"(?i)SharedAccessKey=[A-Za-z0-9+/]{30}",
        pattern=r"(?i:SharedAccessKey=)(?P<v>[A-Za-z0-9+/]{30,100}={0,2})",
        score=0.97,
        bounded=False,
    ),
    Rule(
        entity="AZURE_KEY",
        anchor=r"[?&]sig=[A-Za-z0-9%+/]{30}",
        pattern=r"[?&]sig=(?P<v>[A-Za-z0-9%+/]{30,120}=?)",
        score=0.9,
        bounded=False,
    ),
    Rule(
        entity="AZURE_KEY",
        anchor=r"[A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.-]{31}",
        pattern=r"[A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.-]{31,34}",
        score=0.95,
        bounded=False,
    ),
    Rule(
        entity="AZURE_KEY",  # Azure DevOps
        anchor=r"\b[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}\b",
        pattern=r"[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}",
        check=_not_masked,
        score=0.97,
    ),
    Rule(
        entity="AZURE_KEY",
        anchor=r"[A-Za-z0-9+/]{42}(?:AzSe|AzFu|ACDb|AzCa|AIoT|AEh|ASt)",
        # Alone, not a part of a longer run: three letters stand in any megabyte of base64.
        pattern=(
            r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{42}(?:AzSe|AzFu|ACDb|AzCa|AIoT|AEh|ASt)[A-Za-z0-9+/]{4,44}={0,2}"
            r"(?![A-Za-z0-9+/=])"
        ),
        score=0.8,
        bounded=False,
    ),
    Rule(
        entity="GITHUB_TOKEN",
        anchor=r"gh[pousr]_[A-Za-z0-9]{36}",
        pattern=r"(?<![A-Za-z0-9_])gh[pousr]_(?!(.)\1{8})[A-Za-z0-9]{36}",
        check=crc32_base62,
        score=0.99,
        unchecked=0.8,
    ),
    Rule(
        entity="GITHUB_TOKEN",
        anchor=r"github_pat_[A-Za-z0-9_]{22}",
        pattern=r"github_pat_[A-Za-z0-9_]{22,255}",
        check=_not_masked,
        score=0.97,
    ),
    Rule(
        entity="GITLAB_TOKEN",
        anchor=(
            r"\b(?:glpat|gldt|glptt|glrt|glrtr|glcbt|glft|glimt|glagent|gloas|glsoat|glffct|glwt)"
            r"-[A-Za-z0-9_.-]{20}"
        ),
        pattern=r"gl[a-z]{2,6}-[A-Za-z0-9_.-]{20,300}",
        check=_not_masked,
        score=0.95,
        bounded=False,
    ),
    Rule(
        entity="GITLAB_TOKEN",
        anchor=r"\bgl(?:pat|rt|cbt|ft)-[A-Za-z0-9_-]{27}",
        pattern=r"gl[a-z]{2,3}-[A-Za-z0-9_-]{27,300}\.[0-9a-z]{2}\.[0-9a-z]{9}",
        check=crc32_base36,
        score=0.99,
    ),
    Rule(
        entity="GITLAB_TOKEN",
        anchor=r"\bGR1348941[A-Za-z0-9_-]{20}",
        pattern=r"GR1348941[A-Za-z0-9_-]{20,50}",
        check=_not_masked,
        score=0.95,
        bounded=False,
    ),
    Rule(
        entity="SLACK_TOKEN",
        anchor=r"xox[a-z]-[A-Za-z0-9-]{10}",
        pattern=r"xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{10,300}",
        check=lambda value: sum(map(str.isdigit, value)) >= 6 and not is_masked(value),
        score=0.95,
    ),
    Rule(
        entity="SLACK_TOKEN",
        anchor=r"xoxe\.xox[bp]-\d-",
        pattern=r"xoxe\.xox[bp]-\d-[A-Za-z0-9]{20,300}",
        check=_not_masked,
        score=0.97,
    ),
    Rule(
        entity="SLACK_TOKEN",
        anchor=r"xapp-\d-[A-Z0-9]{4}",
        pattern=r"xapp-\d-[A-Z0-9]{4,20}-\d{4,20}-[A-Za-z0-9]{10,100}",
        check=_not_masked,
        score=0.97,
    ),
    Rule(
        entity="SLACK_TOKEN",
        anchor=r"hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/[A-Za-z0-9]",
        pattern=r"hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{20,120}",
        check=_not_masked,
        score=0.95,
        bounded=False,
    ),
    Rule(
        entity="STRIPE_KEY",
        anchor=r"\b(?:sk|rk|pk)_(?:test|live|prod)_[A-Za-z0-9]{10}",
        pattern=r"(?:sk|rk|pk)_(?:test|live|prod)_[A-Za-z0-9]{10,250}",
        check=_not_masked,
        score=0.95,
    ),
    Rule(
        entity="STRIPE_KEY",
        anchor=r"\bwhsec_[A-Za-z0-9+/]{24}",
        pattern=r"whsec_[A-Za-z0-9+/=]{24,80}",
        check=_not_masked,
        score=0.95,
        bounded=False,
    ),
)
