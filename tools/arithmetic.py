"""Numbers that never show a wrong digit.

Two kinds of number. A `Fraction` is exact: whole numbers beyond 2**53 keep every digit and 0.1 + 0.2 is
0.3. What has no exact fraction (most roots, fractional powers), or one too large to carry, is an
`Approximate`: numexpr computes it in float64, and it carries a bound on its own error (running error
analysis: N. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.3), so that only
digits that are certain are shown.

numexpr compiles the text it is given with Python's own compiler and wraps int64 silently. It therefore
sees only the fixed formulas below, with float64 operands and explicit dictionaries: no text of the user,
no constant for the compiler to fold, no name from a caller's frame.

Everything here is bounded by size, so it is bounded in time: magnitudes lie between 1e-100 and 1e100 and
a fraction holds at most MAX_BITS bits.
"""

import math
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation, localcontext
from fractions import Fraction

import numexpr
import numpy as np

from app.errors import CalculationError

MAX_EXPONENT = 100  # results are below 10**100, and not closer to zero than 10**-100
MAX_BITS = 20_000  # numerator or denominator of an exact fraction; beyond it, float64
MAX_PLACES = 30  # decimals of an exact result
SIGNIFICANT = 12  # digits shown of a result that is rounded
CERTAIN = 6  # fewer certain digits than this are no answer

HUNDRED = Fraction(100)

_ULP = 2.0**-52  # twice the rounding error of one float64 operation: covers the bound's own rounding


@dataclass(frozen=True)
class Approximate:
    """A float64 and how far, at most, the true value lies from it."""

    value: float
    error: float


Number = Fraction | Approximate


def parse(literal: str) -> Fraction:
    """A decimal literal, exactly as written ("0.1" is one tenth)."""
    try:
        written = Decimal(literal)
    except InvalidOperation:  # an exponent of 19 digits or more
        raise CalculationError(f"The exponent in {literal[:12]}... is too large.") from None
    if not written:
        return Fraction(0)
    # Checked before the fraction is built: 1e999999999 would need a gigabit integer.
    if abs(written.adjusted()) > MAX_EXPONENT:
        raise _too_large() if written.adjusted() > 0 else _too_small()
    return _exact(Fraction(written))


def whole(number: int) -> Fraction:
    return Fraction(number)


def add(a: Number, b: Number) -> Number:
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return _bounded(a + b)
    x, y = _approximate(a), _approximate(b)
    return _rounded("a + b", x, y, x.error + y.error)


def negate(a: Number) -> Number:
    return -a if isinstance(a, Fraction) else Approximate(-a.value, a.error)


def subtract(a: Number, b: Number) -> Number:
    return add(a, negate(b))


def multiply(a: Number, b: Number) -> Number:
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return _bounded(a * b)
    if 0 in (a, b):
        return Fraction(0)
    x, y = _approximate(a), _approximate(b)
    return _rounded("a * b", x, y, abs(x.value) * y.error + abs(y.value) * x.error + x.error * y.error)


def divide(a: Number, b: Number) -> Number:
    if b == 0:
        raise CalculationError("Division by zero.")
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return _bounded(a / b)
    x, y = _approximate(a), _approximate(b)
    smallest = abs(y.value) - y.error
    if smallest <= 0:
        raise CalculationError("The divisor cannot be told from zero.")
    return _rounded("a / b", x, y, (x.error + abs(x.value / y.value) * y.error) / smallest)


def floor_divide(a: Number, b: Number) -> Number:
    return floor(divide(a, b))


def modulo(a: Number, b: Number) -> Number:
    """The remainder with the sign of the divisor, as in Python: -7 % 3 is 2."""
    if isinstance(a, Fraction) and isinstance(b, Fraction) and b != 0:
        return _bounded(a % b)
    return subtract(a, multiply(b, floor_divide(a, b)))


def power(a: Number, b: Number) -> Number:
    if b == Fraction(1, 2):
        return sqrt(a)
    if isinstance(b, Fraction) and b.denominator == 1:
        return _whole_power(a, int(b))
    if a == 0:
        if _approximate(b).value < 0:
            raise CalculationError("Division by zero.")
        return Fraction(0)
    return _float_power(a, b)


def sqrt(a: Number) -> Number:
    """The square root: exact where there is one, as for 1/4 or 10**40."""
    if isinstance(a, Fraction):
        if a < 0:
            raise CalculationError("The square root of a negative number is not a real number.")
        numerator, denominator = math.isqrt(a.numerator), math.isqrt(a.denominator)
        if numerator**2 == a.numerator and denominator**2 == a.denominator:
            return Fraction(numerator, denominator)
    x = _approximate(a)
    if x.value - x.error <= 0:
        raise CalculationError("The number under the root cannot be told from zero.")
    root = _numexpr("sqrt(a)", x.value)
    return Approximate(root, x.error / math.sqrt(x.value - x.error) + root * _ULP)


def absolute(a: Number) -> Number:
    return abs(a) if isinstance(a, Fraction) else Approximate(abs(a.value), a.error)


def smaller(a: Number, b: Number) -> Number:
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return min(a, b)
    x, y = sorted((_approximate(a), _approximate(b)), key=lambda number: number.value)
    if x.value + x.error < y.value - y.error:
        return a if _approximate(a) == x else b
    return Approximate(x.value, max(x.error, y.error))


def larger(a: Number, b: Number) -> Number:
    return negate(smaller(negate(a), negate(b)))


def floor(a: Number) -> Fraction:
    """The whole number at or below. Refused where the error bound leaves two of them."""
    if isinstance(a, Fraction):
        return Fraction(math.floor(a))
    low, high = math.floor(a.value - 2 * a.error), math.floor(a.value + 2 * a.error)
    if low != high:
        raise CalculationError("The number is too close to a whole number to be rounded with certainty.")
    return Fraction(low)


def ceil(a: Number) -> Fraction:
    return -floor(negate(a))


def round_half_up(a: Number, places: int = 0) -> Number:
    """To `places` decimals, halves away from zero as people are taught: 2.5 -> 3, -2.5 -> -3."""
    scale = Fraction(10) ** places
    negative = a < 0 if isinstance(a, Fraction) else a.value < 0
    whole = floor(add(multiply(absolute(a), scale), Fraction(1, 2)))
    return _bounded((-whole if negative else whole) / scale)


def shown(a: Number) -> tuple[int | Decimal | float, str, bool]:
    """The value as a Python number, its text, and whether the text is the whole truth.

    int for whole numbers, Decimal for decimals that end within MAX_PLACES places, otherwise the nearest
    float and a text of at least SIGNIFICANT digits, rounded. Raises CalculationError where rounding
    errors leave fewer than CERTAIN digits.
    """
    if isinstance(a, Approximate):
        return _certain_digits(a)
    if a.denominator == 1:
        return a.numerator, str(a.numerator), True
    places = _places(a.denominator)
    if places is not None:
        digits = str(abs(a.numerator) * 10**places // a.denominator).rjust(places + 1, "0")
        text = f"{'-' if a < 0 else ''}{digits[:-places]}.{digits[-places:]}"
        return Decimal(text), text, True
    with localcontext() as context:
        whole_digits = len(str(abs(a.numerator) // a.denominator))
        context.prec = max(SIGNIFICANT, whole_digits + 2)
        return float(a), _trimmed(Decimal(a.numerator) / Decimal(a.denominator)), False


def _certain_digits(a: Approximate) -> tuple[float, str, bool]:
    low, high = a.value - 2 * a.error, a.value + 2 * a.error
    for digits in range(SIGNIFICANT, CERTAIN - 1, -1):
        text = f"{low:.{digits}g}"
        if text == f"{high:.{digits}g}":
            return float(text), text.replace("e+", "e"), False
    raise CalculationError(
        "Rounding errors leave too few certain digits in the result. Simplify the expression first."
    )


def _trimmed(number: Decimal) -> str:
    text = f"{number:f}" if number.adjusted() >= -6 else f"{number:e}"
    digits, e, exponent = text.partition("e")
    return digits.rstrip("0").rstrip(".") + e + exponent


def _places(denominator: int) -> int | None:
    """How many decimals 1/denominator has; None if they do not end within MAX_PLACES."""
    return next((places for places in range(1, MAX_PLACES + 1) if 10**places % denominator == 0), None)


def _whole_power(a: Number, exponent: int) -> Number:
    if exponent == 0:
        return Fraction(1)
    if a == 0:
        return divide(Fraction(1), Fraction(0)) if exponent < 0 else Fraction(0)
    sign = Fraction(-1 if _approximate(a).value < 0 and exponent % 2 else 1)
    if isinstance(a, Fraction):
        if abs(a) == 1:
            return sign
        _check_power(a, float(exponent))
        bits = max(a.numerator.bit_length(), a.denominator.bit_length())
        if bits * abs(exponent) <= MAX_BITS:
            return _bounded(a**exponent)
    return multiply(sign, _float_power(absolute(a), Fraction(exponent)))


def _float_power(a: Number, b: Number) -> Number:
    x, y = _approximate(a), _approximate(b)
    if x.value < 0:
        raise CalculationError("A negative number to a fractional power is not a real number.")
    if x.value - x.error <= 0:
        raise CalculationError("The base of the power cannot be told from zero.")
    _check_power(a, y.value)
    # d(x**y) / x**y = y dx/x + ln(x) dy, to first order; the limit keeps the higher orders below 1 %.
    relative = abs(y.value) * x.error / (x.value - x.error) + abs(math.log(x.value)) * y.error
    if relative > 0.01:
        raise CalculationError("The power is too sensitive to rounding to be given with certainty.")
    return _rounded("a ** b", x, y, 0.0, relative * 1.01 + 4 * _ULP)


def _check_power(a: Number, exponent: float) -> None:
    """Refuse a result beyond the limits before it is computed."""
    if isinstance(a, Fraction):
        base = math.log10(abs(a.numerator)) - math.log10(a.denominator)
    else:
        base = math.log10(abs(a.value))
    if abs(base * exponent) > MAX_EXPONENT + 1:
        raise _too_large() if base * exponent > 0 else _too_small()


def _approximate(a: Number) -> Approximate:
    if isinstance(a, Approximate):
        return a
    value = float(a)
    return Approximate(value, abs(value) * _ULP)


def _rounded(
    formula: str, a: Approximate, b: Approximate, error: float, relative: float = 0.0
) -> Approximate:
    value = _numexpr(formula, a.value, b.value)
    if abs(value) >= 10.0**MAX_EXPONENT:
        raise _too_large()
    if 0 < abs(value) < 10.0**-MAX_EXPONENT:
        raise _too_small()
    return Approximate(value, error * (1 + 8 * _ULP) + abs(value) * (relative + _ULP))


def _numexpr(formula: str, a: float, b: float = 0.0) -> float:
    operands = {"a": np.float64(a), "b": np.float64(b)}
    return float(numexpr.evaluate(formula, local_dict=operands, global_dict={}, sanitize=True))


def _bounded(a: Fraction) -> Number:
    _exact(a)
    if max(a.numerator.bit_length(), a.denominator.bit_length()) > MAX_BITS:
        return _approximate(a)
    return a


def _exact(a: Fraction) -> Fraction:
    if abs(a) >= 10**MAX_EXPONENT:
        raise _too_large()
    if a and abs(a) < Fraction(1, 10**MAX_EXPONENT):
        raise _too_small()
    return a


def _too_large() -> CalculationError:
    return CalculationError(f"A number in the calculation has more than {MAX_EXPONENT} digits.")


def _too_small() -> CalculationError:
    return CalculationError(f"A number in the calculation is closer to zero than 1e-{MAX_EXPONENT}.")
