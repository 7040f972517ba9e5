"""SQL fragments that several operators share."""

from collections.abc import Sequence
from decimal import Decimal

from services.segment.domain.binding import Binder
from services.segment.domain.columns import ValueColumns
from services.segment.domain.values import FLOATS_TELL_APART, Facet, Scalar, canonical_number, exact, numeric_text

_SPELLING_NUMBERS = frozenset("0123456789+-.eE")
_WORDS_OF_OTHERS = frozenset(["true", "false", "infinity", "-infinity", "nan", "-nan", "snan", "-snan"])


def compare_number(value: ValueColumns, sign: str, number: int | Decimal, bind: Binder, *, kind: Facet) -> str:
    """Compare exactly where both sides fit Decimal(38, 10), as floats otherwise.

    Against a number below FLOATS_TELL_APART the floats alone are exact, and one column is read instead of three.
    """
    as_float = f"{value.number} {sign} {bind.float(float(Decimal(number)))}"
    as_exact = exact(number)
    if as_exact is None or abs(as_exact) < FLOATS_TELL_APART:
        if kind != Facet.NUMERIC:
            return f"({value.has(kind)} and {as_float})"
        # what is no number is 0 in the column, and has not to be told apart where 0 would not do
        return f"({as_float})" if _zero_is_out(sign, number) else f"({value.numeric} and {as_float})"
    exactly = f"{value.decimal} {sign} {bind.decimal(as_exact)}"
    return f"({value.has(kind)} and if({value.has(Facet.EXACT)}, {exactly}, {as_float}))"


def _is_text_alone(text: str) -> bool:
    """Tell whether no number and no boolean is spelled so: what the value is has not to be read besides."""
    return text.casefold() not in _WORDS_OF_OTHERS and any(letter not in _SPELLING_NUMBERS for letter in text)


def _zero_is_out(sign: str, number: int | Decimal) -> bool:
    compared = float(Decimal(number))
    return (sign in (">", ">=", "=") and compared > 0) or (sign in ("<", "<=", "=") and compared < 0)


def compare(value: ValueColumns, sign: str, operand: Scalar, bind: Binder, *, ignore_case: bool = False) -> str:
    """Compare with a text, number or boolean; a text and a number meet as numbers where the text is one."""
    match operand:
        case bool():
            return f"({value.has(Facet.BOOLEAN)} and {value.text} {sign} {bind.text('true' if operand else 'false')})"
        case int() | Decimal():
            return compare_number(value, sign, operand, bind, kind=Facet.NUMERIC)
        case str():
            column, text = (value.folded, operand.casefold()) if ignore_case else (value.text, operand)
            as_text = f"({column} {sign} {bind.text(text)})"
            if sign != "=" or not _is_text_alone(text):
                as_text = f"({value.has(Facet.TEXT)} and {as_text})"
            number = numeric_text(operand)
            if number is None:
                return as_text
            return f"({as_text} or {compare_number(value, sign, number, bind, kind=Facet.NUMERIC | Facet.NUMBER)})"


def equals_any(value: ValueColumns, operands: Sequence[Scalar], bind: Binder, *, ignore_case: bool = False) -> str:
    """Return "equals one of these"; many texts become one set."""
    plain = [operand for operand in operands if isinstance(operand, str) and numeric_text(operand) is None]
    others = [operand for operand in operands if not (isinstance(operand, str) and numeric_text(operand) is None)]
    parts = [compare(value, "=", operand, bind, ignore_case=ignore_case) for operand in others]
    if plain:
        column = value.folded if ignore_case else value.text
        texts = bind.texts(sorted({text.casefold() if ignore_case else text for text in plain}))
        kind = "" if all(map(_is_text_alone, plain)) else f"{value.has(Facet.TEXT)} and "
        parts.append(f"({kind}has({texts}, {column}))")
    return f"({' or '.join(parts)})"


def item_tokens(operand: Scalar, *, ignore_case: bool) -> list[str]:
    """Return the tokens of list elements that equal the operand (see StoredValue.items)."""
    match operand:
        case bool():
            return ["b:true" if operand else "b:false"]
        case int() | Decimal():
            number = canonical_number(operand)
            return [f"n:{number}", f"m:{number}"]
        case str():
            text = f"f:{operand.casefold()}" if ignore_case else f"t:{operand}"
            spelled = numeric_text(operand)
            return [text] if spelled is None else [text, f"n:{canonical_number(spelled)}"]
