"""Read a small YAML file safely, and know the line of everything in it."""

from dataclasses import dataclass, field

import yaml

LARGEST = 64 * 1024
DEEPEST = 8

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in a file, at which line and field."""

    line: int
    place: Place
    message: str


class FaultyError(Exception):
    """A file cannot be read at all."""

    def __init__(self, line: int, message: str) -> None:
        """Name the line."""
        super().__init__(message)
        self.line = line


@dataclass(slots=True)
class Marked:
    """The data of a file, with the line of each place in it."""

    data: object = None
    lines: dict[Place, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def line(self, place: Place) -> int:
        """Give the line of a place, or of what should have held it."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)


def read(content: bytes) -> Marked:
    """Read the content of a file; raises FaultyError where it is no YAML of the plain kind."""
    if len(content) > LARGEST:
        raise FaultyError(1, f"the file is larger than {LARGEST} bytes")
    try:
        return _read(content.decode())
    except UnicodeDecodeError as error:
        raise FaultyError(content.count(b"\n", 0, error.start) + 1, "the file is not UTF-8") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise FaultyError(mark.line + 1 if mark else 1, _say(error)) from None
    except yaml.reader.ReaderError as error:
        line = content.decode().count("\n", 0, error.position) + 1
        raise FaultyError(line, f"the character #x{error.character:04x} is not allowed") from None


def _read(text: str) -> Marked:
    _guard(text)
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        raise FaultyError(1, "the file must hold fields, each as `name: value`")
    marked = Marked()
    marked.data = _value(root, (), marked)
    return marked


def _guard(text: str) -> None:
    """Refuse what a plain file never needs, before anything is built from it."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = _line(event)
        if isinstance(event, yaml.NodeEvent) and event.anchor:
            raise FaultyError(line, "anchors and aliases (& and *) are not allowed: write the value out")
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag:
            raise FaultyError(line, "tags (!) are not allowed")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise FaultyError(line, f"more than {DEEPEST} levels, one in the other")


def _value(node: yaml.Node, place: Place, marked: Marked) -> object:
    marked.lines.setdefault(place, _line(node))
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, place, marked)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*place, number), marked) for number, item in enumerate(node.value)]
    try:
        return yaml.constructor.SafeConstructor().construct_object(node)
    except ValueError:
        # What only looks like a date or a number is text.
        return node.value


def _mapping(node: yaml.MappingNode, place: Place, marked: Marked) -> dict[str, object]:
    fields: dict[str, object] = {}
    for key, value in node.value:
        line = _line(key)
        if not isinstance(key, yaml.ScalarNode):
            marked.faults.append(Fault(line, place, "the name of a field must be plain text"))
            continue
        inside = (*place, key.value)
        if key.value in fields:
            first = marked.lines[inside]
            marked.faults.append(Fault(line, inside, f"the field stands twice, first on line {first}"))
            continue
        marked.lines[inside] = line
        fields[key.value] = _value(value, inside, marked)
    return fields


def _say(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or error.context or "not YAML"
    return "a tab: indent with spaces" if "'\\t'" in problem else problem


def _line(part: yaml.Node | yaml.Event) -> int:
    return part.start_mark.line + 1 if part.start_mark else 1
