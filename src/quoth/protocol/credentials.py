"""What looks like an API key: such a thing is refused in a file, and repeated in no message."""

import re

ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")

REMEDY = (
    'put the key into an environment variable and name that variable here, as in api_key_env = "LLM_KEY"; '
    "a key that stood in a file should be withdrawn"
)

_KEY_NAME = re.compile(r"(api|access|auth|secret|bearer)?[_-]?(key|token|secret|password|passwd|authorization)", re.I)
_PREFIX = re.compile(r"(?:sk[-_]|gsk_|hf_|r8_|ghp_|nvapi-|pplx-|xai-|AIza|eyJ|Bearer )\S{6}")
_RUN = re.compile(r"[A-Za-z0-9]{20,}")
_HEX = re.compile(r"[0-9a-f]{32,}", re.I)


def names_a_key(key: str) -> bool:
    """Whether a key of a table, such as 'api_key', asks for a secret."""
    return _KEY_NAME.fullmatch(key.strip()) is not None


def looks_like_key(value: str) -> bool:
    """Whether a text looks like an API key: by a provider's prefix, or long and mixed as no name is."""
    value = value.strip()
    kinds = (str.islower, str.isupper, str.isdigit)
    mixed = any(all(any(map(kind, run)) for kind in kinds) for run in _RUN.findall(value))
    return mixed or _PREFIX.match(value) is not None or _HEX.fullmatch(value) is not None
