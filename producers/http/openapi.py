"""The OpenAPI document of an application, problem documents included."""

from typing import Any

import yaml
from fastapi import FastAPI

from producers.http.problems import Problem


def document(app: FastAPI) -> dict[str, Any]:
    """Return the document; the schema of problems is added, since no route declares it as its response."""
    schema = app.openapi()
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    components = schema["components"]["schemas"]
    components.update(problem.pop("$defs"))
    components["Problem"] = problem
    return schema


def render(app: FastAPI) -> str:
    """Return the document as YAML."""
    return yaml.safe_dump(document(app), sort_keys=False, allow_unicode=True, width=110)
