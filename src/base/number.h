/*
 * Numbers to text and text to numbers, the same in every locale and on every thread.
 *
 * Nothing here allocates, keeps state or reports through errno (errno is left as it was found).
 * Text is a span: it is never NUL-terminated by a writer and need not be for a reader. Writers
 * return how many bytes they wrote. Readers take the whole span or refuse it: false, and *out is
 * left alone.
 */
#ifndef VOUCH_BASE_NUMBER_H
#define VOUCH_BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for any 64-bit integer: 18446744073709551615, -9223372036854775808. */
#define NUMBER_INTEGER_MAX 20

/* Room for any double as written here: -2.2250738585072014e-308. */
#define NUMBER_DOUBLE_MAX 24

/* The longest span read as a double. The exact decimal form of a double needs at most 1,077
 * bytes. */
#define NUMBER_DOUBLE_TEXT_MAX 1100

/* number_write_u64 for v >= 100; call that one. */
size_t number_write_long(char *out, uint64_t v);

/* Lengths and small counts are most of what a command encoder writes: they stay inline. */
static inline size_t number_write_unsigned(char *out, uint64_t v)
{
    if (v < 10) {
        out[0] = (char)('0' + (char)v);
        return 1;
    }
    if (v < 100) {
        out[0] = (char)('0' + (char)(v / 10));
        out[1] = (char)('0' + (char)(v % 10));
        return 2;
    }
    return number_write_long(out, v);
}

/* Writes v in decimal, without leading zeros. */
static inline size_t number_write_u64(char out[static NUMBER_INTEGER_MAX], uint64_t v)
{
    return number_write_unsigned(out, v);
}

/* Writes v in decimal, '-' before a negative one. */
static inline size_t number_write_i64(char out[static NUMBER_INTEGER_MAX], int64_t v)
{
    if (v >= 0)
        return number_write_unsigned(out, (uint64_t)v);
    out[0] = '-';
    return 1 + number_write_unsigned(out + 1, 0 - (uint64_t)v);
}

/* How many bytes number_write_u64 would write: 1 to 20. */
size_t number_digits_u64(uint64_t v);

/*
 * Writes v with the fewest significant digits that read back as the same double, and of those the
 * digits closest to v. The point is '.'; whole numbers up to 2^53 have neither point nor exponent;
 * below 1e-4 and from 1e17 on the form is 1.5e-7, 1e21. Also written: inf, -inf, nan (whatever its
 * sign and payload) and -0. Expects the default rounding mode.
 */
size_t number_write_double(char out[static NUMBER_DOUBLE_MAX], double v);

/*
 * Read an integer in the one spelling a server takes for an integer value (INCR, string2ll):
 * digits, '-' before them if signed and negative; refused are '+', "-0", leading zeros, space, and
 * what does not fit.
 */
bool number_parse_i64(const char *s, size_t n, int64_t *out);
bool number_parse_u64(const char *s, size_t n, uint64_t *out);

/* Reads the number of a RESP header (":+5", "$-1"): as number_parse_i64, and one '+' and leading
 * zeros are allowed. */
bool number_parse_resp_i64(const char *s, size_t n, int64_t *out);

/*
 * Reads a decimal number with optional sign, fraction and exponent ("-1.5e-7", ".5", "5."), or inf,
 * infinity, nan in any case and with either sign. Correctly rounded; too small for a double is 0
 * with its sign. Refused: a number too large for a double, hexadecimal, space, more than
 * NUMBER_DOUBLE_TEXT_MAX bytes. Expects the default rounding mode.
 */
bool number_parse_double(const char *s, size_t n, double *out);

#endif
