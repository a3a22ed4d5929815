"""The pages for people: the start page and the documentation, complete in themselves.

Nothing in them comes from another host, and their Content-Security-Policy lets a browser run only what they hold.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape

from starlette.responses import HTMLResponse

_INLINE = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)
# A ledger's two columns; in the page itself, because a browser would ask for /favicon.ico otherwise.
_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Crect width='16' height='16' rx='3' fill='%23175e54'/%3E"
    "%3Cpath d='M4 5h4M4 8h4M4 11h4M10 5h2M10 8h2M10 11h2' stroke='%23fff' stroke-width='1.4'/%3E%3C/svg%3E"
)
_START_STYLE = """
:root { color-scheme: light dark; --ink: #1c2321; --soft: #55605d; --line: #d5dcda; --ground: #fbfcfb; --mark: #175e54 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8edeb; --soft: #a3afab; --line: #38423f; --ground: #161b1a; --mark: #7fd1c3 }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif }
main { max-width: 44rem; margin: 0 auto; padding: clamp(1.5rem, 6vw, 4rem) 1.25rem }
h1 { margin: 0; font-size: 2.25rem; line-height: 1.2 }
h1 small { color: var(--soft); font-size: 1rem; font-weight: 400 }
h2 { margin: 2.5rem 0 .5rem; font-size: 1.1rem }
p { margin: .5rem 0 0 }
a { color: var(--mark); text-underline-offset: .2em }
a:focus-visible { outline: 2px solid; outline-offset: 3px }
.first { display: inline-block; margin-top: 1.5rem; padding: .6rem 1.1rem; border: 2px solid; border-radius: .5rem;
  font-weight: 600; text-decoration: none }
dl { margin: 0 }
dl > div { padding: .7rem 0; border-top: 1px solid var(--line) }
dt { font-weight: 600 }
dt small { color: var(--soft); font-weight: 400 }
dd { margin: 0; color: var(--soft); overflow-wrap: anywhere }
"""
_DOCS_STYLE = "body { margin: 0; background: #fff } noscript { display: block; margin: 2rem; font-family: sans-serif }"
_DOCS_SETTINGS = {
    "dom_id": "#swagger-ui",
    "deepLinking": True,
    "displayRequestDuration": True,
    # The whole list of operations at a glance; the schemas are found beside the operation that uses them.
    "docExpansion": "list",
    "defaultModelsExpandDepth": -1,
    "tryItOutEnabled": True,
    # Its default sends the address of the document to a server outside.
    "validatorUrl": None,
}


@dataclass(frozen=True)
class Item:
    """One line of the start page: what it is called, what it is, where it leads and in which version, if anywhere."""

    name: str
    text: str
    path: str = ""
    version: str = ""


def page(html: str) -> HTMLResponse:
    """Answer a page with a policy that lets exactly its own inline parts and files of its own host run."""
    hashes: dict[str, list[str]] = {"script": [], "style": []}
    for kind, text in _INLINE.findall(html):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        hashes[kind].append(f"'sha256-{digest}'")
    sources = {kind: " ".join(["'self'", *found]) for kind, found in hashes.items()}
    policy = (
        f"default-src 'none'; script-src {sources['script']}; style-src {sources['style']}; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
    return HTMLResponse(html, headers={"Content-Security-Policy": policy})


def start(*, name: str, version: str, summary: str, docs: str, links: Iterable[Item], services: Iterable[Item]) -> str:
    """Give the start page."""
    return _document(
        name,
        f"<style>{_START_STYLE}</style>",
        f"""<main>
<h1>{escape(name)} <small>{escape(version)}</small></h1>
<p>{escape(summary)}</p>
<a class="first" href="{escape(docs)}">Read and try every operation</a>
<h2>Services</h2>
<dl>{_lines(services)}</dl>
<h2>For tools and operators</h2>
<dl>{_lines(links)}</dl>
</main>""",
    )


def documentation(*, name: str, document: str, assets: Mapping[str, str]) -> str:
    """Give the page that shows an OpenAPI document; `assets` are the addresses of its style sheet and script."""
    settings = json.dumps({**_DOCS_SETTINGS, "url": document})
    return _document(
        f"{name}: documentation",
        f'<link rel="stylesheet" href="{escape(assets["style"])}"><style>{_DOCS_STYLE}</style>',
        f"""<main id="swagger-ui"></main>
<noscript>This page needs JavaScript. The same in a form for tools: <a href="{escape(document)}">OpenAPI</a>.</noscript>
<script src="{escape(assets["script"])}"></script>
<script>SwaggerUIBundle({settings})</script>""",
    )


def _document(title: str, head: str, body: str) -> str:
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title><link rel="icon" href="{_ICON}">
{head}</head>
<body>{body}</body></html>"""


def _lines(items: Iterable[Item]) -> str:
    return "".join(f"<div><dt>{_name(item)}</dt><dd>{escape(item.text)}</dd></div>" for item in items)


def _name(item: Item) -> str:
    name = f'<a href="{escape(item.path)}">{escape(item.name)}</a>' if item.path else escape(item.name)
    return f"{name} <small>{escape(item.version)}</small>" if item.version else name
