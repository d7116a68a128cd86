"""A small YAML file, read safely: its data, and the line of every field for messages."""

from dataclasses import dataclass, field

import yaml

MAX_BYTES = 64 * 1024
MAX_DEPTH = 8

FieldPath = tuple[str | int, ...]
"""Where a value stands in a file, such as `("seats", 0, "role")`."""


@dataclass(frozen=True, slots=True)
class FieldFault:
    """An error in one field of a file that can be read otherwise."""

    line: int
    path: FieldPath
    message: str


class YamlSourceError(Exception):
    """A file cannot be read as plain YAML; `line` is where."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass(slots=True)
class YamlSource:
    """The data of a file, with the line of each field in it; `texts` leaves every value as the text that it is."""

    texts: bool = False
    data: object = None
    lines: dict[FieldPath, int] = field(default_factory=dict)
    faults: list[FieldFault] = field(default_factory=list)

    def line(self, path: FieldPath) -> int:
        """Return the line of a field, or of the nearest field around it that the file has."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def parse(content: bytes, *, texts: bool = False) -> YamlSource:
    """Parse the content of a file; raises YamlSourceError where it is not plain YAML.

    With `texts`, `No` is the text, as the name of a column may be, and not the opposite of yes.
    """
    if len(content) > MAX_BYTES:
        raise YamlSourceError(1, f"the file is larger than {MAX_BYTES} bytes")
    try:
        return _parse(content.decode(), texts=texts)
    except UnicodeDecodeError as error:
        raise YamlSourceError(content.count(b"\n", 0, error.start) + 1, "the file is not UTF-8") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlSourceError(mark.line + 1 if mark else 1, _message(error)) from None
    except yaml.reader.ReaderError as error:
        line = content.decode().count("\n", 0, error.position) + 1
        raise YamlSourceError(line, f"the character #x{error.character:04x} is not allowed") from None


def _parse(text: str, *, texts: bool) -> YamlSource:
    _check_plain(text)
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        raise YamlSourceError(1, "the file must hold fields, each as `name: value`")
    source = YamlSource(texts=texts)
    source.data = _value(root, (), source)
    return source


def _check_plain(text: str) -> None:
    """Reject anchors, tags and deep nesting before anything is built from the file."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = _line(event)
        if isinstance(event, yaml.NodeEvent) and event.anchor:
            raise YamlSourceError(line, "anchors and aliases (& and *) are not allowed: repeat the value")
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag:
            raise YamlSourceError(line, "tags (!) are not allowed")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise YamlSourceError(line, f"more than {MAX_DEPTH} levels of nesting")


def _value(node: yaml.Node, path: FieldPath, source: YamlSource) -> object:
    source.lines.setdefault(path, _line(node))
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, source)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, number), source) for number, item in enumerate(node.value)]
    if source.texts:
        return node.value
    try:
        return yaml.constructor.SafeConstructor().construct_object(node)
    except ValueError:
        # A scalar that only looks like a date or a number is text.
        return node.value


def _mapping(node: yaml.MappingNode, path: FieldPath, source: YamlSource) -> dict[str, object]:
    fields: dict[str, object] = {}
    for key, value in node.value:
        line = _line(key)
        if not isinstance(key, yaml.ScalarNode):
            source.faults.append(FieldFault(line, path, "the name of a field must be plain text"))
            continue
        inside = (*path, key.value)
        if key.value in fields:
            message = f"the field is given twice, first on line {source.lines[inside]}"
            source.faults.append(FieldFault(line, inside, message))
            continue
        source.lines[inside] = line
        fields[key.value] = _value(value, inside, source)
    return fields


def _message(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark
    if mark and mark.buffer and mark.buffer[mark.pointer] == "\t":
        return "a tab: indent with spaces"
    return error.problem or error.context or "not YAML"


def _line(part: yaml.Node | yaml.Event) -> int:
    return part.start_mark.line + 1 if part.start_mark else 1
