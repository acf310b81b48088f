"""/api/docs : the interface, drawn from its own OpenAPI document; no script from elsewhere, so it works offline."""

from collections.abc import Mapping
from typing import Any

from nicegui import ui

from hanota.faces.web.live import Text, box
from hanota.faces.web.page import Page
from hanota.faces.web.parts import code, heading

_Json = Mapping[str, Any]


async def reference_page(page: Page, document: _Json) -> None:
    """Fill the page from an OpenAPI document."""
    with page.body:
        heading("API", "Everything the console shows, as JSON; and the DUIS gateway")
        with box("p"):
            Text("For tools: ")
            ui.link("openapi.json", "/api/openapi.json")
            Text(". Add ")
            code("?as=EUI")
            Text(" to see what that party may see.")
        for tag in document["tags"]:
            _group(tag, document)


def _group(tag: _Json, document: _Json) -> None:
    found = [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if tag["name"] in operation.get("tags", ())
    ]
    with box("div", "heading"):
        Text(tag["name"][:1].upper() + tag["name"][1:], tag="h2")
        Text(tag["description"], tag="p", classes="quiet")
    with box("div", "card flush"):
        for method, path, operation in found:
            _operation(method, path, operation, document)


def _operation(method: str, path: str, operation: _Json, document: _Json) -> None:
    with box("details", "operation"):
        with box("summary"):
            Text(method.upper(), classes=f"method {method}")
            if method == "get" and "{" not in path:
                ui.link(path, path).classes("code")
            else:
                code(path)
            Text(operation["summary"], classes="quiet")
        for parameter in operation.get("parameters", ()):
            with box("div", "parameter"):
                code(parameter["name"], "strong")
                Text(parameter["in"], classes="quiet small")
                Text(parameter.get("description", parameter["schema"].get("title", "")))
        model = _answer_model(operation)
        if model is not None:
            with box("div", "parameter"):
                Text("answers", classes="quiet small")
                code(model)
                Text(", ".join(document["components"]["schemas"][model]["properties"]), classes="quiet small wrap")


def _answer_model(operation: _Json) -> str | None:
    schema = operation["responses"].get("200", {}).get("content", {}).get("application/json", {}).get("schema", {})
    reference = schema.get("$ref") or schema.get("items", {}).get("$ref")
    return str(reference).rpartition("/")[2] if reference else None
