"""Manners as tests, each of every source file. What a reader may rely on in every module stands here once."""

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass

from helpers.source import Source, sources

LINES_MAX = 400
FUNCTION_LINES_MAX = 60
OWN_WORDS_MIN = 2

SOURCES = sources()


def per_file(check: Callable[[Source], None]) -> Callable[[], None]:
    """Have a check of one file be a test of all: as tests of their own they would be a quarter of all there are."""

    def test() -> None:
        wrong = []
        for source in SOURCES:
            try:
                check(source)
            except AssertionError as found:
                wrong.append(f"{source}: {found}")
        assert not wrong, "\n".join(wrong)

    return test


@dataclass(frozen=True)
class Ban:
    """A text that code may not hold, what to use instead, and the parts where it belongs."""

    pattern: str
    instead: str
    home: tuple[str, ...] = ()


BANS = (
    Ban(r"\bdatetime\.(now|utcnow|today)\(", "the `now` argument; the clock is app/'s", ("app/",)),
    Ban(r"\btime\.time(_ns)?\(", "the `now` argument; the clock is app/'s", ("app/",)),
    Ban(r"\btime\.sleep\(", "an effect Wake(at), or a condition with a time-out in app/"),
    Ban(r"\brandom\.(random|randint|randrange|choice|choices|shuffle|uniform|getrandbits)\(", "the `rng` argument"),
    Ban(r"\bET\.fromstring\(|\betree\.fromstring\(", "wire.duis.xml.parse_safely", ("wire/duis/xml.py",)),
    Ban(r"\betree\.(parse|XML)\(", "wire.duis.xml.parse_safely", ("wire/duis/xml.py", "wire/duis/schema.py")),
    Ban(r"(?<![\w.])print\(", "a return value; only faces/ speak to people", ("faces/",)),
    Ban(r"\bpickle\b|\beval\(|(?<!\w)exec\(", "a codec of wire/", ("wire/layout/",)),  # tables compiled to code, once
)
CATCH_ALL_HOMES = ("wan/", "callbacks/", "edge/han/", "records/store/engine.py", "app/", "faces/", "sim/run.py")
MIGRATIONS = "records/store/migrations/"  # a list of statements, written once and never changed
EXEMPTION = re.compile(
    r"#\s*(type: ignore|noqa)(?P<codes>(\[[^\]]+\]|: ?[A-Z]+[0-9]+(, ?[A-Z]+[0-9]+)*)?)(?P<reason>.*)"
)
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")


@per_file
def test_what_code_may_not_do(source: Source) -> None:
    found = [
        f"{source}:{number}: {line.strip()} (use {ban.instead})"
        for ban in BANS
        if not str(source).startswith(ban.home or ("-",))
        for number, line in enumerate(source.code, 1)
        if re.search(ban.pattern, line)
    ]
    assert found == []


@per_file
def test_catching_everything_is_for_carriers_and_says_why(source: Source) -> None:
    for handler in catch_alls(source.tree):
        place = f"{source}:{handler.lineno}"
        assert str(source).startswith(CATCH_ALL_HOMES), f"{place}: only a port wrapper may catch everything"
        around = source.lines[handler.lineno - 2 : handler.lineno + 1]
        assert any("#" in text for text in around), f"{place}: say in a comment why everything is caught"


def catch_alls(tree: ast.Module) -> list[ast.ExceptHandler]:
    """Handlers of any exception, but for those that only tidy up and let it pass."""
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}))
        and not (isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None)
    ]


@per_file
def test_an_exemption_names_its_rule_and_its_reason(source: Source) -> None:
    for number, line in enumerate(source.lines, 1):
        exemption = EXEMPTION.search(line)
        if exemption:
            reason = exemption["reason"].strip(" #()-–:")
            assert exemption["codes"], f"{source}:{number}: name the rule"
            assert len(reason.split()) >= OWN_WORDS_MIN, f"{source}:{number}: say why, after the rule"


@per_file
def test_nothing_is_left_unfinished(source: Source) -> None:
    assert [f"{source}:{number}" for number, line in enumerate(source.lines, 1) if UNFINISHED.search(line)] == []


@per_file
def test_a_module_holds_one_subject(source: Source) -> None:
    assert len(source.lines) <= LINES_MAX, f"{source} has {len(source.lines)} lines: split it by subject"


@per_file
def test_a_function_fits_on_a_screen(source: Source) -> None:
    long = {
        function.name: length
        for function in source.functions()
        if not str(source).startswith(MIGRATIONS)
        and (length := (function.end_lineno or 0) - function.lineno + 1) > FUNCTION_LINES_MAX
    }
    assert long == {}


@per_file
def test_documentation_says_more_than_the_name(source: Source) -> None:
    filler = []
    for definition in source.public_definitions():
        text = ast.get_docstring(definition)
        if text is None:
            continue  # ruff's D1 asks for it where it is owed
        if len(own_words(definition.name, text)) < OWN_WORDS_MIN:
            filler.append(f"{source}:{definition.lineno}: {definition.name}: {text!r}")
    assert filler == []


def own_words(name: str, text: str) -> set[str]:
    """Give the words of a docstring that its name does not already say."""
    said = {_stem(word) for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z0-9]+", name)}
    return {word for word in re.findall(r"[a-z0-9]+", text.lower()) if _stem(word) not in said}


def _stem(word: str) -> str:
    return word.lower().rstrip("s")[:5]


def test_the_rules_bite() -> None:
    assert own_words("read_image", "Read the images.") == {"the"}
    assert own_words("read_image", "Read an OTA file. Raises ImageMalformed.") >= {"ota", "file"}
    assert catch_alls(ast.parse("try:\n    go()\nexcept Exception as error:\n    raise Ours from error\n"))
    assert not catch_alls(ast.parse("try:\n    go()\nexcept BaseException:\n    undo()\n    raise\n"))
    assert EXEMPTION.search("x = 1  # type: ignore")["codes"] == ""
    assert EXEMPTION.search("x = 1  # type: ignore[misc]  # the library's stub is wrong")["reason"].strip(" #")
    assert any(re.search(ban.pattern, "when = datetime.now(UTC)") for ban in BANS)
    assert not any(re.search(ban.pattern, "console.print(table)") for ban in BANS)
