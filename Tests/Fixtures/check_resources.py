"""Checks resources as a current API server would: against the schemas and the CEL rules of istio-crds.yaml.

usage: check_resources.py < RESOURCES     (YAML documents, JSON, or a Kubernetes List)

Prints a line for every violation, and exits 1 when there is one. Unknown fields are violations: an API server drops them
in silence.
"""

import sys
from pathlib import Path

import celpy
import yaml
from celpy.adapter import json_to_cel
from jsonschema import Draft202012Validator

SERVER_FIELDS = {"apiVersion": {}, "kind": {}, "metadata": {}}


def substring(text, start, end=None):
    """The one function of Kubernetes' CEL library that the rules use; out of range is an error there as well."""
    end = len(text) if end is None else end
    if not 0 <= start <= end <= len(text):
        raise celpy.CELEvalError(f"substring({start}, {end}) is out of range")
    return celpy.celtypes.StringType(text[start:end])


class Schema:
    """One version of one kind."""

    def __init__(self, openapi):
        self.openapi = openapi
        self.validator = Draft202012Validator(closed(openapi, SERVER_FIELDS))
        self.environment = celpy.Environment()
        self.programs = {}

    def violations(self, resource):
        for error in self.validator.iter_errors(resource):
            yield error.json_path.removeprefix("$."), error.message
        yield from self.broken_rules(self.openapi, resource, "")

    def broken_rules(self, schema, value, path):
        for rule in schema.get("x-kubernetes-validations", []):
            # A rule about a change needs the old object, which is not here.
            if "oldSelf" not in rule["rule"] and not self.holds(rule["rule"], value):
                yield path, rule.get("message", rule["rule"])
        if isinstance(value, dict):
            for name, item in value.items():
                inner = schema.get("properties", {}).get(name) or schema.get("additionalProperties")
                if isinstance(inner, dict):
                    yield from self.broken_rules(inner, item, f"{path}.{name}".lstrip("."))
        elif isinstance(value, list):
            yield from repeated_items(schema, value, path)
            for index, item in enumerate(value):
                yield from self.broken_rules(schema.get("items", {}), item, f"{path}[{index}]")

    def holds(self, rule, value):
        if rule not in self.programs:
            functions = {"substring": substring}
            self.programs[rule] = self.environment.program(self.environment.compile(rule), functions)
        try:
            return bool(self.programs[rule].evaluate({"self": json_to_cel(value)}))
        except celpy.CELEvalError:
            # An API server refuses the object when a rule can't be evaluated.
            return False


def closed(schema, more_properties=None):
    """The schema with unknown fields forbidden wherever an API server would drop them."""
    result = {}
    for key, value in schema.items():
        if key == "properties":
            result[key] = {name: closed(inner) for name, inner in value.items()} | (more_properties or {})
        elif key in ("items", "additionalProperties") and isinstance(value, dict):
            result[key] = closed(value)
        elif not key.startswith("x-kubernetes-"):
            result[key] = value
    if "properties" in result and not schema.get("x-kubernetes-preserve-unknown-fields"):
        result.setdefault("additionalProperties", False)
    return result


def repeated_items(schema, items, path):
    keys = schema.get("x-kubernetes-list-map-keys")
    if schema.get("x-kubernetes-list-type") not in ("map", "set"):
        return
    seen = []
    for item in items:
        identity = [item.get(key) for key in keys] if keys and isinstance(item, dict) else item
        if identity in seen:
            yield path, f"duplicate value: {identity}"
        seen.append(identity)


def load_schemas():
    schemas = {}
    for definition in yaml.safe_load_all(Path(__file__).with_name("istio-crds.yaml").read_text()):
        spec = definition["spec"]
        for version in spec["versions"]:
            kind = (f"{spec['group']}/{version['name']}", spec["names"]["kind"])
            schemas[kind] = Schema(version["schema"]["openAPIV3Schema"])
    return schemas


def main():
    schemas = load_schemas()
    violated = False
    for document in yaml.safe_load_all(sys.stdin):
        for resource in (document or {}).get("items", [document] if document else []):
            kind = (resource.get("apiVersion"), resource.get("kind"))
            if kind in schemas:
                violations = schemas[kind].violations(resource)
            else:
                violations = [("", f"no definition of {kind[1]} in {kind[0]}")]
            name = resource.get("metadata", {}).get("name", "(no name)")
            for path, message in violations:
                violated = True
                print(f"{kind[1]} {name}: {path or 'object'}: {message}")
    return 1 if violated else 0


if __name__ == "__main__":
    sys.exit(main())
