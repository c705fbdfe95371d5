/* base/error.h: filling a vouch_error. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stddef.h>
#include <vouch/error.h>

/* Sets all of *e (NULL is allowed): success, or a failure with nothing done (NOT_APPLIED). The
 * message is printf's, escaped and shortened. Returns the status, so that callers can `return` it. */
void error_clear(vouch_error *e);
vouch_status error_set(vouch_error *e, vouch_status status, vouch_cause cause, const char *format,
                       ...) __attribute__((format(printf, 4, 5)));

/* Copies text into a field of `room` bytes: control bytes as \xNN, always NUL-terminated, ended by
 * "…" if it does not fit. */
void error_escape(char *out, size_t room, const char *text, size_t n);

/* The code word of an error reply: what stands before the first space. Into VOUCH_CODE_MAX bytes. */
void error_code(char *out, const char *text, size_t n);

#endif
