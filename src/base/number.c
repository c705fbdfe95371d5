/*
 * Numbers to text and text to numbers. Calls the C library only for what needs more than 64 bits:
 * snprintf for the digits of a double, strtod for a decimal that is not exact in one operation.
 *
 * Invariants:
 *  1. No locale is asked for and none can change a result. What snprintf prints is taken apart by
 *     position, counted from both ends, so that whatever stands for the radix, of however many
 *     bytes, is never looked at. What strtod reads is digits and an exponent, which have no radix.
 *  2. No byte outside [s, s + n) is read, none outside the documented room is written.
 *  3. errno is given back as it was found.
 */
#include "base/number.h"

#include <assert.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
static const uint64_t powers_of_ten[20] = {
    1u, 10u, 100u, 1000u, 10000u, 100000u, 1000000u, 10000000u, 100000000u, 1000000000u,
    10000000000u, 100000000000u, 1000000000000u, 10000000000000u, 100000000000000u,
    1000000000000000u, 10000000000000000u, 100000000000000000u, 1000000000000000000u,
    10000000000000000000u,
};
/* clang-format on */

/* Integers */

size_t number_digits_u64(uint64_t v)
{
    /* So that 0 has one digit; no other number gains or loses one. */
    v |= 1;
    /* 1233 / 4096 is just below log10(2): v has this many digits or one more, as the table tells. */
    unsigned bits = 64u - (unsigned)__builtin_clzll(v);
    unsigned estimate = bits * 1233u >> 12;
    return 1 + estimate - (v < powers_of_ten[estimate]);
}

static void write_pair(char *out, size_t v)
{
    static const char pairs[] = "0001020304050607080910111213141516171819"
                                "2021222324252627282930313233343536373839"
                                "4041424344454647484950515253545556575859"
                                "6061626364656667686970717273747576777879"
                                "8081828384858687888990919293949596979899";
    memcpy(out, pairs + 2 * v, 2);
}

size_t number_write_long(char *out, uint64_t v)
{
    size_t digits = number_digits_u64(v);
    char *at = out + digits;
    while (v >= 100) {
        at -= 2;
        write_pair(at, (size_t)(v % 100));
        v /= 100;
    }
    if (v >= 10)
        write_pair(out, (size_t)v);
    else
        out[0] = (char)('0' + (char)v);
    return digits;
}

/* One to twenty digits. Nineteen always fit. A twentieth does if the first is 1 and the sum has not
 * wrapped: 20000000000000000000 less 2^64 is below 10^19. */
static bool parse_digits(const char *s, size_t n, uint64_t *out)
{
    if (n == 0 || n > 20)
        return false;
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned digit = (unsigned char)s[i] - (unsigned)'0';
        if (digit > 9)
            return false;
        v = v * 10 + digit;
    }
    if (n == 20 && (s[0] != '1' || v < powers_of_ten[19]))
        return false;
    *out = v;
    return true;
}

static bool apply_sign(uint64_t magnitude, bool negative, int64_t *out)
{
    if (magnitude > (uint64_t)INT64_MAX + negative)
        return false;
    if (!negative)
        *out = (int64_t)magnitude;
    else if (magnitude > INT64_MAX)
        *out = INT64_MIN;
    else
        *out = -(int64_t)magnitude;
    return true;
}

bool number_parse_u64(const char *s, size_t n, uint64_t *out)
{
    if (n > 1 && s[0] == '0')
        return false;
    return parse_digits(s, n, out);
}

bool number_parse_i64(const char *s, size_t n, int64_t *out)
{
    bool negative = n > 0 && s[0] == '-';
    uint64_t magnitude;
    if (!number_parse_u64(s + negative, n - negative, &magnitude))
        return false;
    if (negative && magnitude == 0)
        return false;
    return apply_sign(magnitude, negative, out);
}

bool number_parse_resp_i64(const char *s, size_t n, int64_t *out)
{
    bool negative = n > 0 && s[0] == '-';
    if (n > 0 && (negative || s[0] == '+')) {
        s++;
        n--;
    }
    while (n > 1 && s[0] == '0') {
        s++;
        n--;
    }
    uint64_t magnitude;
    return parse_digits(s, n, &magnitude) && apply_sign(magnitude, negative, out);
}

/* Decimals to doubles */

/* Whole numbers up to 2^53 are doubles, each of them. */
#define EXACT_INTEGER_MAX ((uint64_t)1 << DBL_MANT_DIG)

/* Exponents are kept within this: any beyond it, with NUMBER_DOUBLE_TEXT_MAX digits to move it,
 * is 0 or infinity. */
#define EXPONENT_MAX 9999

/* digits * 10^exponent, from both of which one operation of the machine gives the correctly
 * rounded quotient or product: as long as both are doubles themselves (Clinger's observation). */
static bool exact_operands(uint64_t digits, int exponent, double *out)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    /* Elsewhere (x87) an operation rounds twice. */
    if (FLT_EVAL_METHOD != 0)
        return false;
    if (digits > EXACT_INTEGER_MAX || exponent < -22 || exponent > 22)
        return false;
    double v = (double)digits;
    *out = exponent < 0 ? v / powers[-exponent] : v * powers[exponent];
    return true;
}

/* The same for any number of digits. */
static double rounded(const char *digits, size_t count, int exponent)
{
    char text[NUMBER_DOUBLE_TEXT_MAX + 1 + NUMBER_INTEGER_MAX + 1];
    assert(count > 0 && count <= NUMBER_DOUBLE_TEXT_MAX);
    memcpy(text, digits, count);
    text[count] = 'e';
    size_t end = count + 1;
    end += number_write_i64(text + end, exponent);
    text[end] = '\0';
    int saved = errno;
    double v = strtod(text, NULL);
    errno = saved;
    return v;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

struct decimal {
    char digits[NUMBER_DOUBLE_TEXT_MAX]; /* no leading zeros; none at all is zero */
    size_t count;
    int exponent; /* of the last digit */
};

static double decimal_value(const struct decimal *d)
{
    uint64_t digits;
    double v;
    if (d->count == 0)
        return 0;
    if (d->count < 20 && parse_digits(d->digits, d->count, &digits) &&
        exact_operands(digits, d->exponent, &v))
        return v;
    return rounded(d->digits, d->count, d->exponent);
}

/* Both parts of the mantissa go through here; returns how many digits there were. */
static size_t scan_digits(const char *s, size_t n, struct decimal *d)
{
    size_t i = 0;
    for (; i < n && is_digit(s[i]); i++) {
        if (d->count > 0 || s[i] != '0')
            d->digits[d->count++] = s[i];
    }
    return i;
}

/* What follows the 'e': the whole rest of the span. */
static bool scan_exponent(const char *s, size_t n, int *out)
{
    bool negative = n > 0 && s[0] == '-';
    size_t i = n > 0 && (negative || s[0] == '+');
    if (i == n)
        return false;
    int v = 0;
    for (; i < n; i++) {
        if (!is_digit(s[i]))
            return false;
        if (v <= EXPONENT_MAX)
            v = v * 10 + (s[i] - '0');
    }
    if (v > EXPONENT_MAX)
        v = EXPONENT_MAX;
    *out = negative ? -v : v;
    return true;
}

static bool scan_decimal(const char *s, size_t n, struct decimal *d)
{
    d->count = 0;
    d->exponent = 0;
    size_t at = scan_digits(s, n, d);
    size_t seen = at;
    if (at < n && s[at] == '.') {
        size_t fraction = scan_digits(s + at + 1, n - at - 1, d);
        d->exponent = -(int)fraction;
        seen += fraction;
        at += 1 + fraction;
    }
    if (seen == 0)
        return false;
    if (at == n)
        return true;
    int exponent;
    if ((s[at] != 'e' && s[at] != 'E') || !scan_exponent(s + at + 1, n - at - 1, &exponent))
        return false;
    d->exponent += exponent;
    return true;
}

/* word is in small letters; setting bit 5 makes a capital small and no other byte a letter. */
static bool is_word(const char *s, size_t n, const char *word)
{
    if (n != strlen(word))
        return false;
    for (size_t i = 0; i < n; i++) {
        if ((s[i] | 0x20) != word[i])
            return false;
    }
    return true;
}

bool number_parse_double(const char *s, size_t n, double *out)
{
    if (n == 0 || n > NUMBER_DOUBLE_TEXT_MAX)
        return false;
    bool negative = s[0] == '-';
    if (negative || s[0] == '+') {
        s++;
        n--;
    }
    struct decimal d;
    double v;
    if (is_word(s, n, "inf") || is_word(s, n, "infinity")) {
        v = HUGE_VAL;
    } else if (is_word(s, n, "nan")) {
        v = (double)NAN;
    } else {
        if (!scan_decimal(s, n, &d))
            return false;
        v = decimal_value(&d);
        if (isinf(v))
            return false;
    }
    *out = negative ? -v : v;
    return true;
}

/* Doubles to decimals */

/* More digits than this no double needs to be told from its neighbours, and fewer than DBL_DIG a
 * normal one never needs trying: its shortest form is then what DBL_DIG digits give, less
 * trailing zeros. */
#define DIGITS_MAX DBL_DECIMAL_DIG

struct short_decimal {
    uint64_t digits;
    int exponent; /* of the last digit */
};

/* The decimal of so many digits that is closest to v, which is finite and above zero. */
static struct short_decimal closest(double v, int precision)
{
    char text[64];
    int saved = errno;
    int printed = snprintf(text, sizeof text, "%.*e", precision - 1, v);
    errno = saved;
    assert(printed > 0 && (size_t)printed < sizeof text);
    size_t end = (size_t)printed;
    size_t mark = end;
    while (text[mark - 1] != 'e')
        mark--;
    int64_t exponent = 0;
    bool fine = number_parse_resp_i64(text + mark, end - mark, &exponent);

    char digits[DIGITS_MAX];
    size_t fraction = (size_t)precision - 1;
    digits[0] = text[0];
    memcpy(digits + 1, text + mark - 1 - fraction, fraction);
    struct short_decimal d = {0, (int)exponent - (precision - 1)};
    fine = parse_digits(digits, (size_t)precision, &d.digits) && fine;
    assert(fine);
    (void)fine;
    return d;
}

static bool reads_as(struct short_decimal d, double v)
{
    double back;
    if (!exact_operands(d.digits, d.exponent, &back)) {
        char text[NUMBER_INTEGER_MAX];
        size_t count = number_write_u64(text, d.digits);
        back = rounded(text, count, d.exponent);
    }
    return back == v;
}

static struct short_decimal shortest(double v)
{
    int ignored;
    bool power_of_two = frexp(v, &ignored) == 0.5;
    for (int precision = v < DBL_MIN ? 1 : DBL_DIG; precision < DIGITS_MAX; precision++) {
        struct short_decimal d = closest(v, precision);
        if (reads_as(d, v))
            return d;
        /* Below a power of two doubles stand twice as close as above it: the closest decimal, if
         * smaller, may be another double's while the next one up, though farther, is still this
         * one's. */
        d.digits++;
        if (power_of_two && reads_as(d, v))
            return d;
    }
    return closest(v, DIGITS_MAX);
}

static size_t append(char *out, size_t at, const char *bytes, size_t n)
{
    memcpy(out + at, bytes, n);
    return at + n;
}

/* digits[0] stands for 10^lead. */
static size_t lay_out(char *out, const char *digits, size_t count, int lead)
{
    static const char zeros[] = "0000000000000000";
    if (lead >= 0 && lead < DIGITS_MAX) {
        size_t whole = (size_t)lead + 1;
        if (count <= whole)
            return append(out, append(out, 0, digits, count), zeros, whole - count);
        size_t at = append(out, append(out, 0, digits, whole), ".", 1);
        return append(out, at, digits + whole, count - whole);
    }
    if (lead < 0 && lead >= -4) {
        size_t at = append(out, append(out, 0, "0.", 2), zeros, (size_t)(-lead - 1));
        return append(out, at, digits, count);
    }
    size_t at = append(out, 0, digits, 1);
    if (count > 1)
        at = append(out, append(out, at, ".", 1), digits + 1, count - 1);
    at = append(out, at, "e", 1);
    char exponent[NUMBER_INTEGER_MAX];
    size_t length = number_write_i64(exponent, lead);
    return append(out, at, exponent, length);
}

size_t number_write_double(char out[static NUMBER_DOUBLE_MAX], double v)
{
    if (isnan(v))
        return append(out, 0, "nan", 3);
    size_t at = signbit(v) ? append(out, 0, "-", 1) : 0;
    v = fabs(v);
    if (isinf(v))
        return append(out, at, "inf", 3);
    if (v <= (double)EXACT_INTEGER_MAX && v == (double)(uint64_t)v)
        return at + number_write_unsigned(out + at, (uint64_t)v);

    struct short_decimal d = shortest(v);
    while (d.digits % 10 == 0) {
        d.digits /= 10;
        d.exponent++;
    }
    char digits[NUMBER_INTEGER_MAX];
    size_t count = number_write_u64(digits, d.digits);
    return at + lay_out(out + at, digits, count, d.exponent + (int)count - 1);
}
