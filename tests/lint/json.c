/* Reading JSON: tests/lint/json.h. Recursive; what programs of ours write is not deep. */
#include "json.h"

#include "base.h"
#include "lint/tool/utf8.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Each of these returns the end of what it reads, or NULL with *bad set. */
struct reader {
    const char *bad;
};

static const char *value(struct reader *r, const char *at);

static const char *fail(struct reader *r, const char *at)
{
    if (!r->bad)
        r->bad = at;
    return NULL;
}

static const char *space(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

static const char *string(struct reader *r, const char *at)
{
    for (at++; *at != '"';) {
        uint32_t point;
        size_t n = *at ? utf8_read(at, strlen(at) < 4 ? strlen(at) : 4, &point) : 0;
        if (!n || point < 0x20)
            return fail(r, at);
        if (*at == '\\' && at[1] == 'u') {
            if (strspn(at + 2, "0123456789abcdefABCDEF") < 4)
                return fail(r, at);
            n = 6;
        } else if (*at == '\\') {
            if (!at[1] || !strchr("\"\\/bfnrt", at[1]))
                return fail(r, at);
            n = 2;
        }
        at += n;
    }
    return at + 1;
}

static const char *number(struct reader *r, const char *at)
{
    size_t n = strspn(at, "0123456789");
    if (!n || (n > 1 && *at == '0'))
        return fail(r, at);
    return at + n; /* no program of ours writes others */
}

/* What stands between brackets, apart by commas; of an object with keys. */
static const char *list(struct reader *r, const char *at, char end)
{
    at = space(at + 1);
    if (*at == end)
        return at + 1;
    for (;;) {
        if (end == '}') {
            at = *at == '"' ? string(r, at) : fail(r, at);
            at = at ? space(at) : NULL;
            if (!at || *at != ':')
                return at ? fail(r, at) : NULL;
            at = space(at + 1);
        }
        at = value(r, at);
        if (!at)
            return NULL;
        at = space(at);
        if (*at == end)
            return at + 1;
        if (*at != ',')
            return fail(r, at);
        at = space(at + 1);
    }
}

static const char *value(struct reader *r, const char *at)
{
    static const char *const words[] = {"true", "false", "null"};
    if (*at == '{' || *at == '[')
        return list(r, at, *at == '{' ? '}' : ']');
    if (*at == '"')
        return string(r, at);
    for (size_t i = 0; i < 3; i++)
        if (strncmp(at, words[i], strlen(words[i])) == 0)
            return at + strlen(words[i]);
    return number(r, at);
}

const char *json_fault(const char *text)
{
    struct reader r = {NULL};
    const char *end = value(&r, space(text));
    if (!end)
        return r.bad;
    end = space(end);
    return *end ? end : NULL;
}

/* The next element behind one that begins at `at`; NULL: it was the last. */
static const char *after(const char *at)
{
    struct reader r = {NULL};
    const char *end = value(&r, at);
    end = end ? space(end) : "";
    return *end == ',' ? space(end + 1) : NULL;
}

/* The value of a key or index in what begins at `at`. */
static const char *inside(const char *at, const char *key, size_t size)
{
    struct reader r = {NULL};
    bool object = *at == '{';
    long index = 0, wanted = isdigit((unsigned char)*key) ? strtol(key, NULL, 10) : -1;
    if (*at != '{' && *at != '[')
        return NULL;
    at = space(at + 1);
    if (*at == '}' || *at == ']')
        return NULL;
    for (; at; index++) {
        bool found = !object && index == wanted;
        if (object) {
            const char *end = string(&r, at);
            found = (size_t)(end - at) == size + 2 && memcmp(at + 1, key, size) == 0;
            at = space(space(end) + 1);
        }
        if (found)
            return at;
        at = after(at);
    }
    return NULL;
}

static const char *find(const char *text, const char *path)
{
    const char *at = space(text);
    while (at && *path) {
        size_t n = strcspn(path, ".");
        at = inside(at, path, n);
        path += n + (path[n] == '.');
    }
    return at;
}

char *json_at(const char *text, const char *path)
{
    struct reader r = {NULL};
    const char *at = find(text, path), *end = at ? value(&r, at) : NULL;
    if (!end)
        return NULL;
    return *at == '"' ? ts_copy(at + 1, (size_t)(end - at) - 2) : ts_copy(at, (size_t)(end - at));
}

long json_count(const char *text, const char *path)
{
    const char *at = find(text, path);
    if (!at || *at != '[')
        return -1;
    at = space(at + 1);
    long n = 0;
    for (; at && *at != ']'; at = after(at))
        n++;
    return n;
}
