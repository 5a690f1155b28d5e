"""A response written as an expression: arithmetic, comparisons and a few numpy functions of time, and nothing else.

The tree of the expression is walked here and only what stands in the tables below is computed: no attributes, subscripts, assignments,
texts or keywords exist, so an expression from a configuration file cannot reach anything of Python.
"""

import ast
import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.errors import ConfigError, unknown_name

#: Functions an expression may call, by name.
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": np.abs, "exp": np.exp, "expm1": np.expm1, "log": np.log, "log1p": np.log1p, "log2": np.log2, "log10": np.log10, "sqrt": np.sqrt,
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "arctan": np.arctan, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh,
    "where": np.where, "minimum": np.minimum, "maximum": np.maximum, "clip": np.clip, "sign": np.sign, "heaviside": np.heaviside,
}  # fmt: skip

_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.divide, ast.Pow: np.power, ast.Mod: np.mod,
    ast.BitAnd: np.logical_and, ast.BitOr: np.logical_or, ast.And: np.logical_and, ast.Or: np.logical_or,
    ast.Invert: np.logical_not, ast.Not: np.logical_not, ast.USub: np.negative, ast.UAdd: np.positive,
    ast.Lt: np.less, ast.LtE: np.less_equal, ast.Gt: np.greater, ast.GtE: np.greater_equal, ast.Eq: np.equal, ast.NotEq: np.not_equal,
}  # fmt: skip

_MAX_LENGTH = 1000
_PI = {"pi": float(np.pi)}


def evaluate(expression: str, *, variables: Mapping[str, FloatArray | float], key: str) -> FloatArray:
    """Value of an expression, broadcast to the largest of the `variables`; `key` is the config key that errors name.

    Raises
    ------
    ConfigError
        If the expression cannot be read, uses an unknown name or a part of Python that is not allowed, hides a function by a variable, or
        gives something else than finite numbers.
    """
    result = check_expression(expression, variables=variables, key=key)
    if not np.all(np.isfinite(result)):
        raise ConfigError(f"{key} gives values that are not finite numbers: guard them with where(...) or clip(...)")
    return result


def check_expression(expression: str, *, variables: Mapping[str, FloatArray | float], key: str) -> FloatArray:
    """`evaluate` for numbers that stand for any others: the result need not be finite."""
    for name in variables:
        if name in FUNCTIONS or name in _PI or not name.isidentifier():
            raise ConfigError(f"{key} cannot have a constant called '{name}': choose a word that no function bears")
    tree = _parsed(expression, key=key)
    shape = np.broadcast_shapes(*(np.shape(value) for value in variables.values()))
    try:
        with np.errstate(all="ignore"):
            result = np.broadcast_to(np.asarray(_value(tree, names={**_PI, **variables}, key=key), dtype=float), shape)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ConfigError(f"{key} cannot be computed ({str(error).splitlines()[0]}): check the arguments of its functions") from None
    return np.array(result)


def _parsed(expression: str, *, key: str) -> ast.expr:
    if len(expression) > _MAX_LENGTH:
        raise ConfigError(f"{key} has {len(expression)} characters: at most {_MAX_LENGTH} are allowed")
    try:
        return ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise ConfigError(f"{key} is not a formula ('{expression}'): write it like where(t > 0, 1 - exp(-t / 600), 0)") from None


def _value(node: ast.AST, *, names: Mapping[str, Any], key: str) -> Any:
    """Value of a node of the tree, its parts first."""

    def inner(part: ast.AST) -> Any:
        return _value(part, names=names, key=key)

    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            value: Any = float(number)
        case ast.Name(id=name):
            value = _looked_up(names, name, kind="name", key=key)
        case ast.BinOp(left=left, op=operator, right=right):
            value = _operator(operator, key=key)(inner(left), inner(right))
        case ast.UnaryOp(op=operator, operand=operand):
            value = _operator(operator, key=key)(inner(operand))
        case ast.BoolOp(op=operator, values=values):
            value = functools.reduce(_operator(operator, key=key), map(inner, values))
        case ast.Compare(left=left, ops=operators, comparators=rest):
            sides = [inner(left), *map(inner, rest)]
            pairs = [_operator(item, key=key)(sides[i], sides[i + 1]) for i, item in enumerate(operators)]
            value = functools.reduce(np.logical_and, pairs)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            value = _called(name, [inner(argument) for argument in arguments], key=key)
        case _:
            raise _not_allowed(node, key=key)
    return value


def _called(name: str, arguments: list[Any], *, key: str) -> Any:
    function = _looked_up(FUNCTIONS, name, kind="function", key=key)
    # one argument more would be the array that numpy writes its result into
    n_arguments = getattr(function, "nin", 3)
    if len(arguments) != n_arguments:
        raise ConfigError(f"{key} gives {name}() {len(arguments)} arguments: it takes {n_arguments}")
    return function(*arguments)


def _looked_up(table: Mapping[str, Any], name: str, *, kind: str, key: str) -> Any:
    if name not in table:
        raise unknown_name(f"{kind} in {key}:", name, table)
    return table[name]


def _operator(operator: ast.AST, *, key: str) -> Callable[..., Any]:
    if type(operator) not in _OPERATORS:
        raise _not_allowed(operator, key=key)
    return _OPERATORS[type(operator)]


def _not_allowed(node: ast.AST, *, key: str) -> ConfigError:
    return ConfigError(
        f"{key} uses {type(node).__name__}, which a formula cannot: use numbers, t, constants, arithmetic, comparisons and the functions "
        f"{', '.join(FUNCTIONS)}"
    )
