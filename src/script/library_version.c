/* A library's version. Pure. */
#include "base/error.h"
#include "lua/lexer.h"
#include "script/library_source.h"

#include <inttypes.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

struct text {
    const char *at, *end;
};

static void skip_blanks(struct text *t)
{
    while (t->at < t->end && is_blank(*t->at))
        t->at++;
    while (t->at < t->end && is_blank(t->end[-1]))
        t->end--;
}

/* Behind "--" and "version", if the comment is one of these and has its line for itself. */
static bool is_statement(const struct lua51_token *comment, const char *source, struct text *t,
                         bool *colon)
{
    static const char word[] = "version";
    for (size_t i = comment->line_begin; i < comment->offset; i++)
        if (!is_blank(source[i]))
            return false;
    *t = (struct text){comment->text + 2, comment->text + comment->size};
    skip_blanks(t);
    for (const char *w = word; *w; w++, t->at++)
        if (t->at == t->end || (*t->at | 0x20) != *w)
            return false;
    const char *behind = t->at;
    skip_blanks(t);
    *colon = t->at < t->end && *t->at == ':';
    t->at += *colon;
    skip_blanks(t);
    return *colon || t->at > behind;
}

enum verdict { IS_VERSION, IS_NONE, IS_TOO_LARGE };

static enum verdict read_parts(struct text t, struct library_version *out)
{
    bool large = false;
    for (;; t.at++) {
        uint64_t part = 0;
        if (t.at == t.end || !is_digit(*t.at))
            return IS_NONE;
        for (; t.at < t.end && is_digit(*t.at); t.at++)
            if (part <= UINT32_MAX)
                part = part * 10 + (uint64_t)(*t.at - '0');
        if (part > UINT32_MAX || out->count == LIBRARY_VERSION_PARTS)
            large = true;
        else
            out->part[out->count++] = (uint32_t)part;
        if (t.at == t.end)
            return large ? IS_TOO_LARGE : IS_VERSION;
        if (*t.at != '.')
            return IS_NONE;
    }
}

static vouch_status take_comment(struct library_version *out, const struct lua51_token *comment,
                                 const char *source, vouch_error *e)
{
    struct text t;
    bool colon = false;
    struct library_version version = {0};
    if (!is_statement(comment, source, &t, &colon))
        return VOUCH_OK;
    switch (read_parts(t, &version)) {
    case IS_NONE:
        /* Without a colon it may be a sentence about versions. */
        return colon ? error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                                 "the library's line %zu: a version is numbers with dots between "
                                 "them, such as \"-- version: 1.2.3\"",
                                 comment->line)
                     : VOUCH_OK;
    case IS_TOO_LARGE:
        return error_set(e, VOUCH_ELIMIT, VOUCH_CAUSE_LIMIT,
                         "the library's line %zu: a version has at most %d numbers, each at most "
                         "%" PRIu32,
                         comment->line, LIBRARY_VERSION_PARTS, UINT32_MAX);
    case IS_VERSION:
        break;
    }
    if (out->count)
        return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                         "the library's line %zu states a second version: leave one",
                         comment->line);
    *out = version;
    return VOUCH_OK;
}

vouch_status library_version_read(struct library_version *out, const char *source, size_t size,
                                  vouch_error *e)
{
    struct lua51_lexer lexer;
    struct lua51_token token;
    vouch_status status = VOUCH_OK;
    out->count = 0;
    lua51_open(&lexer, source, size);
    lexer.comments = true;
    while (!status && lua51_next(&lexer, &token) && token.kind == LUA51_COMMENT)
        status = take_comment(out, &token, source, e);
    return status;
}

int library_version_compare(const struct library_version *a, const struct library_version *b)
{
    if (!a->count || !b->count)
        return (a->count != 0) - (b->count != 0);
    for (uint32_t i = 0; i < LIBRARY_VERSION_PARTS; i++) {
        uint32_t x = i < a->count ? a->part[i] : 0, y = i < b->count ? b->part[i] : 0;
        if (x != y)
            return x < y ? -1 : 1;
    }
    return 0;
}
