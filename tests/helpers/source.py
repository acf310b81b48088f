"""The source files as text and as a syntax tree, for the tests of manners."""

import ast
import io
import tokenize
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "hanota"

type_of_definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Source:
    """One module of the package."""

    path: Path

    def __str__(self) -> str:
        return self.path.relative_to(PACKAGE).as_posix()

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def code(self) -> list[str]:
        """The lines with strings and comments blanked out, so that a docstring may name what code may not do."""
        lines = [list(line) for line in self.lines]
        for token in tokenize.generate_tokens(io.StringIO(self.text).readline):
            if token.type in {tokenize.STRING, tokenize.COMMENT}:
                (first, start), (last, end) = token.start, token.end
                for number in range(first, last + 1):
                    line = lines[number - 1]
                    left = start if number == first else 0
                    right = end if number == last else len(line)
                    line[left:right] = " " * (right - left)
        return ["".join(line) for line in lines]

    def functions(self) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
        return [node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]

    def public_definitions(self) -> list[type_of_definition]:
        """Classes and functions that others may use, with the methods of such classes."""
        found: list[type_of_definition] = []
        waiting: list[ast.AST] = [self.tree]
        while waiting:
            for child in ast.iter_child_nodes(waiting.pop()):
                if isinstance(child, type_of_definition) and not child.name.startswith("_"):
                    found.append(child)
                    if isinstance(child, ast.ClassDef):
                        waiting.append(child)
        return found


def sources() -> list[Source]:
    """Every module of the package, in order of its path."""
    return [Source(path) for path in sorted(PACKAGE.rglob("*.py"))]
