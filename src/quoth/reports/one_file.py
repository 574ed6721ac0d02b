"""Pages that are one file: a template with style and script inside, and a policy that lets nothing else run or load.

What a template is given is text: Jinja2 escapes it. The policy names the page's own script by its SHA-256.
"""

import hashlib
from base64 import b64encode
from importlib.metadata import version

from jinja2 import Environment, PackageLoader, StrictUndefined


def render(page: str, **given: object) -> str:
    """The page `pages/PAGE.html`, with `pages/PAGE.css`, `pages/PAGE.js` and what it is given."""
    environment = Environment(
        loader=PackageLoader("quoth.reports", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = _source(environment, f"{page}.js")
    return environment.get_template(f"{page}.html").render(
        style=_source(environment, f"{page}.css"),
        script=script,
        digest=b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        version=version("quoth"),
        **given,
    )


def _source(environment: Environment, name: str) -> str:
    """A file of the page's own, as it is."""
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0].replace("\r\n", "\n")
