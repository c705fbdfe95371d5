/* What a library states of itself: its first line, and the rest put together. Pure.
 *
 * The rules of the first line are the servers' (seen the same on five of them): it begins with "#!" and ends
 * with "\n"; words are parted by blanks; the engine and "name=" in any case; one name and nothing else.
 * Servers also take quotes apart; here they are refused. */
#include "script/library_source.h"

#include "base/alloc.h"
#include "base/error.h"

#include <string.h>

struct word {
    const char *at;
    size_t size;
};

/* What separates words in front of one; and what ends one, since a server leaves \v and \f inside. */
static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool ends_word(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct word next_word(const char **at, const char *end)
{
    while (*at < end && is_space(**at))
        ++*at;
    struct word w = {*at, 0};
    while (*at < end && !ends_word(**at))
        ++*at;
    w.size = (size_t)(*at - w.at);
    return w;
}

static bool begins(struct word w, const char *lower)
{
    size_t i = 0;
    for (; lower[i]; i++) {
        char c = i < w.size ? w.at[i] : 0;
        if ((c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c) != lower[i])
            return false;
    }
    return true;
}

static bool is_name(struct word w)
{
    for (size_t i = 0; i < w.size; i++) {
        char c = w.at[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_'))
            return false;
    }
    return w.size > 0;
}

#define SHOWN_MAX 40 /* bytes of the source in a message */

static int shown(struct word w)
{
    return (int)(w.size < SHOWN_MAX ? w.size : SHOWN_MAX);
}

static vouch_status refuse(vouch_error *e, const char *what, struct word w)
{
    return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                     "the library's first line: %s '%.*s'; it has to be \"#!lua name=…\"", what,
                     shown(w), w.at);
}

static vouch_status read_words(struct library_source *out, const char *at, const char *end,
                               vouch_error *e)
{
    struct word engine = next_word(&at, end), w;
    if (engine.size != 5 || !begins(engine, "#!lua"))
        return refuse(e, "libraries are in Lua, not", engine);
    while ((w = next_word(&at, end)).size) {
        if (memchr(w.at, '"', w.size) || memchr(w.at, '\'', w.size))
            return refuse(e, "write without quotes", w);
        if (!begins(w, "name="))
            return refuse(e, "there is no other metadata than the name, not", w);
        if (out->name)
            return refuse(e, "a second name", w);
        struct word name = {w.at + 5, w.size - 5};
        if (!is_name(name))
            return refuse(e, "names are letters, digits and underscores, not", name);
        out->name = name.at;
        out->name_size = name.size;
    }
    return out->name ? VOUCH_OK : refuse(e, "no name behind", engine);
}

static vouch_status read_first_line(struct library_source *out, const char *source, size_t size,
                                    vouch_error *e)
{
    const char *end = size ? memchr(source, '\n', size) : NULL;
    if (size < 2 || memcmp(source, "#!", 2) != 0)
        return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                         "the library does not begin with \"#!lua name=…\"");
    if (!end)
        return refuse(e, "nothing follows behind", (struct word){source, size});
    if (memchr(source, 0, (size_t)(end - source)))
        return refuse(e, "a NUL byte in", (struct word){source, (size_t)(end - source)});
    return read_words(out, source, end, e);
}

vouch_status library_source_read(struct library_source *out, const char *source, size_t size,
                                 vouch_error *e)
{
    *out = (struct library_source){0};
    error_clear(e);
    vouch_status status = read_first_line(out, source, size, e);
    if (!status)
        status = library_version_read(&out->version, source, size, e);
    if (!status)
        status = library_functions_read(out, source, size, e);
    if (status)
        library_source_free(out);
    return status;
}

void library_source_free(struct library_source *library)
{
    if (!library)
        return;
    alloc_free(library->functions);
    *library = (struct library_source){0};
}
