"""What is wrong with a document, field by field, and the rules of names in the API server's own words.

Rules: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
"""

import re
from typing import Any

import orjson

from simulator.kinds import Object

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
SERVICE_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
LABEL_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
SERVICE_NAME_RULE = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
    "'[a-z]([-a-z0-9]*[a-z0-9])?')"
)
LABEL_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
LABEL_KEY_RULE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)


class Findings(list[Object]):
    """Causes, collected field by field."""

    def wrong(self, field: str, value: Any, rule: str) -> None:
        shown = orjson.dumps(value).decode()
        self.append({"reason": "FieldValueInvalid", "message": f"Invalid value: {shown}: {rule}", "field": field})

    def unsupported(self, field: str, value: Any, choice: str) -> None:
        message = f"Unsupported value: {orjson.dumps(value).decode()}: supported values: {choice}"
        self.append({"reason": "FieldValueNotSupported", "message": message, "field": field})

    def missing(self, field: str, value: str) -> None:
        self.append({"reason": "FieldValueNotFound", "message": f'Not found: "{value}"', "field": field})

    def duplicate(self, field: str, value: Any) -> None:
        message = f"Duplicate value: {orjson.dumps(value).decode()}"
        self.append({"reason": "FieldValueDuplicate", "message": message, "field": field})

    def forbidden(self, field: str, rule: str) -> None:
        self.append({"reason": "FieldValueForbidden", "message": f"Forbidden: {rule}", "field": field})

    def required(self, field: str, rule: str = "") -> None:
        message = f"Required value: {rule}" if rule else "Required value"
        self.append({"reason": "FieldValueRequired", "message": message, "field": field})
