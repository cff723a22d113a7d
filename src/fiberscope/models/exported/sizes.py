"""Sizes of an exported program that are open, and arithmetic on them, as sympy writes it.

torch evaluates these strings, so they are read as Python's syntax here, and calls of the functions below are allowed.
"""

from __future__ import annotations

import ast
import re
from typing import Any

from fiberscope.models.json_rules import Refused, shown

_SYMBOL = re.compile(r"[a-z]{1,3}[0-9]{1,4}")
_ASSUMPTIONS = frozenset({"integer", "positive", "nonnegative", "negative", "nonpositive", "nonzero", "zero", "real"})
_NUMBERS = {"Integer", "Add", "Mul", "Max", "Min", "Identity"}
_QUOTIENTS = {"FloorDiv", "CeilDiv", "CleanDiv", "Mod", "PythonMod", "ModularIndexing"}
_RELATIONS = {"Eq", "Ne", "Lt", "Le", "Gt", "Ge", "Equality", "Unequality", "LessThan", "GreaterThan"}
_LOGIC = {"StrictLessThan", "StrictGreaterThan", "And", "Or", "Not"}
_FUNCTIONS = _NUMBERS | _QUOTIENTS | _RELATIONS | _LOGIC
LARGEST = 2**63 - 1


def size_expression(found: Any) -> str:
    """Arithmetic on sizes in sympy's own notation: whole numbers, symbols such as s0, sums, products, quotients."""
    if not isinstance(found, str) or len(found) > 2000:
        raise Refused(f"size {shown(found)} is no arithmetic")
    try:
        tree = ast.parse(found, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise Refused(f"size {shown(found)} is no arithmetic") from None
    if not _is_arithmetic(tree):
        raise Refused(f"size {shown(found)} is no arithmetic")
    return found


def symbol_name(found: Any) -> str:
    """The name of a size that is open, such as s0."""
    if not isinstance(found, str) or not _SYMBOL.fullmatch(found):
        raise Refused(f"size {shown(found)} is no symbol such as s0")
    return found


def _is_arithmetic(tree: ast.AST) -> bool:
    match tree:
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant() as number):
            return _is_number(number)
        case ast.Constant() | ast.Name():
            return _is_number(tree)
        case ast.Call(func=ast.Name(id="Symbol")):
            return _is_symbol(tree)
        case ast.Call(func=ast.Name(id="Pow"), args=[base, ast.Call(func=ast.Name(id="Integer"), args=[power])]):
            # of a symbol alone: a power of numbers would be one without end
            return _is_symbol(base) and isinstance(power, ast.Constant) and power.value in (2, 3, 4)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return name in _FUNCTIONS and all(map(_is_arithmetic, arguments))
    return False


def _is_number(tree: ast.AST) -> bool:
    match tree:
        case ast.Constant(value=bool()):
            return True
        case ast.Constant(value=int(number)):
            return number <= LARGEST
    return isinstance(tree, ast.Name) and tree.id in ("true", "false")


def _is_symbol(tree: ast.AST) -> bool:
    match tree:
        case ast.Call(func=ast.Name(id="Symbol"), args=[ast.Constant(value=str(name))], keywords=assumptions):
            return bool(_SYMBOL.fullmatch(name)) and all(map(_is_assumption, assumptions))
    return False


def _is_assumption(found: ast.keyword) -> bool:
    return found.arg in _ASSUMPTIONS and isinstance(found.value, ast.Constant) and type(found.value.value) is bool
