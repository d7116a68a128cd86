"""The OpenAPI document of an app, problems included."""

from typing import Any

import yaml
from fastapi import FastAPI

from producers.http.problems import Problem


def document(app: FastAPI) -> dict[str, Any]:
    """Give the document, with the schema of problems that no route returns by itself."""
    schema = app.openapi()
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    components = schema["components"]["schemas"]
    components.update(problem.pop("$defs"))
    components["Problem"] = problem
    return schema


def render(app: FastAPI) -> str:
    """Write the document as YAML."""
    return yaml.safe_dump(document(app), sort_keys=False, allow_unicode=True, width=110)
