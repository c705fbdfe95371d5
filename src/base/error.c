/* Statuses and causes by name, and the filling of vouch_error. May call: libc's text functions. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <vouch/error.h>

/* vouch_error is on callers' stacks: its size is ABI. */
_Static_assert(sizeof(void *) != 8 || sizeof(vouch_error) == 304, "the size of vouch_error is ABI");

static const char ellipsis[] = "\xe2\x80\xa6";

const char *vouch_status_name(vouch_status status)
{
    switch (status) {
#define VOUCH_X(value, name, sentence)                                                             \
    case VOUCH_##name:                                                                             \
        return "VOUCH_" #name;
        VOUCH_STATUS_MAP(VOUCH_X)
#undef VOUCH_X
    case VOUCH_STATUS_LAST_:
        break;
    }
    return "VOUCH_?";
}

const char *vouch_status_sentence(vouch_status status)
{
    switch (status) {
#define VOUCH_X(value, name, sentence)                                                             \
    case VOUCH_##name:                                                                             \
        return sentence;
        VOUCH_STATUS_MAP(VOUCH_X)
#undef VOUCH_X
    case VOUCH_STATUS_LAST_:
        break;
    }
    return "a status this version does not know";
}

const char *vouch_effect_name(vouch_effect effect)
{
    switch (effect) {
    case VOUCH_MAYBE_APPLIED:
        return "MAYBE_APPLIED";
    case VOUCH_NOT_APPLIED:
        return "NOT_APPLIED";
    case VOUCH_APPLIED:
        return "APPLIED";
    case VOUCH_PARTLY_APPLIED:
        return "PARTLY_APPLIED";
    case VOUCH_EFFECT_LAST_:
        break;
    }
    return "?";
}

const char *vouch_cause_sentence(vouch_cause cause)
{
    switch (cause) {
#define VOUCH_X(value, name, sentence)                                                             \
    case VOUCH_CAUSE_##name:                                                                       \
        return sentence;
        VOUCH_CAUSE_MAP(VOUCH_X)
#undef VOUCH_X
    case VOUCH_CAUSE_LAST_:
        break;
    }
    return "a cause this version does not know";
}

void error_escape(char *out, size_t room, const char *text, size_t n)
{
    static const char hex[] = "0123456789abcdef";
    size_t at = 0, fits = 0; /* fits: the longest prefix that leaves room for the ellipsis */
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        size_t need = c < 0x20 || c == 0x7f ? 4 : 1;
        if (at + need >= room) {
            memcpy(out + fits, ellipsis, sizeof ellipsis);
            return;
        }
        if (need == 4)
            memcpy(out + at, (char[]){'\\', 'x', hex[c >> 4], hex[c & 15]}, 4);
        else
            out[at] = (char)c;
        at += need;
        /* A cut never splits a UTF-8 sequence: continuation bytes do not move the mark. */
        bool boundary = i + 1 == n || ((unsigned char)text[i + 1] & 0xc0) != 0x80;
        if (boundary && at + sizeof ellipsis <= room)
            fits = at;
    }
    out[at] = 0;
}

void error_code(char *out, const char *text, size_t n)
{
    const char *space = memchr(text, ' ', n);
    error_escape(out, VOUCH_CODE_MAX, text, space ? (size_t)(space - text) : n);
}

void error_clear(vouch_error *e)
{
    if (!e)
        return;
    memset(e, 0, sizeof *e);
    e->effect = VOUCH_APPLIED;
    e->command = VOUCH_NO_COMMAND;
}

vouch_status error_set(vouch_error *e, vouch_status status, vouch_cause cause, const char *format,
                       ...)
{
    if (!e)
        return status;
    char text[1024];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    error_clear(e);
    e->status = status;
    e->effect = VOUCH_NOT_APPLIED;
    e->cause = cause;
    size_t length = n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    error_escape(e->message, sizeof e->message, text, length);
    return status;
}
