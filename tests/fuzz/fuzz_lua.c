/* Lua sources: cut into words that cover them in order, whatever they are; a script that has the words of
 * an error is never believed; what a library is said to register is in its source.
 *
 * The input is the source. */
#include "fuzz.h"

#include "lua/lexer.h"
#include "lua/walk.h"
#include "script/library_source.h"
#include "script/trust.h"

#include <stdbool.h>

/* ---- words ---------------------------------------------------------------------------------- */

static void check_string(const struct lua51_token *t)
{
    char small[8];
    char *text = malloc(t->size);
    FUZZ_CHECK(text != NULL);
    size_t n = lua51_string_read(t, text, t->size);
    FUZZ_CHECK(n <= t->size - 2);
    FUZZ_CHECK(lua51_string_read(t, small, sizeof small) == n);
    FUZZ_CHECK(memcmp(small, text, n < sizeof small ? n : sizeof small) == 0);
    text[n] = 0;
    FUZZ_CHECK(lua51_string_is(t, text) == (strlen(text) == n));
    free(text);
}

static void check_token(const struct lua51_token *t, const char *source, size_t size)
{
    FUZZ_CHECK(t->size > 0 && t->offset < size && t->size <= size - t->offset);
    FUZZ_CHECK(t->text == source + t->offset && t->line_begin <= t->offset && t->line > 0);
    FUZZ_CHECK(t->line == 1 ? t->line_begin == 0 : t->line_begin > 0);
    if (t->kind == LUA51_STRING)
        check_string(t);
    if (t->kind == LUA51_BAD)
        FUZZ_CHECK(strcmp(lua51_fault_sentence(t->code), lua51_fault_sentence(-1)) != 0);
}

/* Whether it has a word that no believed script has. */
static bool check_words(const char *source, size_t size)
{
    struct lua51_lexer all, code;
    struct lua51_token t, same;
    bool err = false;
    size_t end = 0;
    lua51_open(&all, source, size);
    lua51_open(&code, source, size);
    all.comments = true;
    end = all.shebang;
    while (lua51_next(&all, &t)) {
        check_token(&t, source, size);
        for (; end < t.offset; end++)
            FUZZ_CHECK(strchr(" \t\v\f\r\n", source[end]) != NULL && source[end] != 0);
        end = t.offset + t.size;
        if (t.kind == LUA51_COMMENT)
            continue;
        err = err || lua51_name_is(&t, "err") || lua51_name_is(&t, "loadstring");
        FUZZ_CHECK(lua51_next(&code, &same));
        FUZZ_CHECK(same.kind == t.kind && same.offset == t.offset && same.size == t.size);
        FUZZ_CHECK(same.code == t.code && same.line == t.line);
    }
    FUZZ_CHECK(!lua51_next(&code, &same) && same.offset == size && t.offset == size);
    return err;
}

static enum lua51_stop check_levels(const char *source, size_t size)
{
    struct lua51_walk walk;
    lua51_walk_open(&walk, source, size);
    while (lua51_walk(&walk)) {
        FUZZ_CHECK(walk.depth <= LUA51_DEPTH_MAX);
        FUZZ_CHECK(walk.now.kind != LUA51_BAD && walk.now.kind != LUA51_COMMENT);
    }
    FUZZ_CHECK(!lua51_walk(&walk));
    FUZZ_CHECK(walk.stop != LUA51_AT_END || (walk.depth == 0 && walk.now.kind == LUA51_END));
    return walk.stop;
}

/* ---- scripts -------------------------------------------------------------------------------- */

/* The same source with more behind it. */
static bool can_forge_with(const char *source, size_t size, const char *more)
{
    size_t n = strlen(more);
    char *both = malloc(size + n);
    FUZZ_CHECK(both != NULL);
    if (size)
        memcpy(both, source, size);
    memcpy(both + size, more, n);
    bool can = script_can_forge(both, size + n);
    free(both);
    return can;
}

static void check_trust(const char *source, size_t size, bool err, enum lua51_stop stop)
{
    bool can = script_can_forge(source, size);
    FUZZ_CHECK(can || (!err && stop == LUA51_AT_END));
    if (stop != LUA51_AT_END)
        return;
    FUZZ_CHECK(can_forge_with(source, size, "\n-- vouch") == can);
    FUZZ_CHECK(can_forge_with(source, size, "\nx = {err = 1}"));
    FUZZ_CHECK(can_forge_with(source, size, "\nx[y] = 1"));
}

/* ---- libraries ------------------------------------------------------------------------------ */

static void check_name(const char *name, size_t n, const char *source, size_t size)
{
    FUZZ_CHECK(n > 0 && name >= source && name + n <= source + size);
    for (size_t i = 0; i < n; i++)
        FUZZ_CHECK(memchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_",
                          name[i], 63) != NULL);
}

static void check_library(const char *source, size_t size, enum lua51_stop stop)
{
    struct library_source l;
    vouch_error e;
    vouch_status status = library_source_read(&l, source, size, &e);
    FUZZ_CHECK(e.status == status);
    if (status) {
        FUZZ_CHECK(status == VOUCH_EINVAL || status == VOUCH_ELIMIT);
        FUZZ_CHECK(e.effect == VOUCH_NOT_APPLIED && e.message[0] && !l.functions && !l.name);
        return;
    }
    FUZZ_CHECK(stop == LUA51_AT_END);
    check_name(l.name, l.name_size, source, size);
    FUZZ_CHECK(l.count <= LIBRARY_FUNCTIONS_MAX && (l.count > 0 || !l.complete));
    for (size_t i = 0; i < l.count; i++) {
        check_name(l.functions[i].name, l.functions[i].size, source, size);
        FUZZ_CHECK(l.functions[i].certain || !l.complete);
        FUZZ_CHECK(l.functions[i].line > 1);
        for (size_t k = 0; k < i; k++)
            FUZZ_CHECK(l.functions[i].size != l.functions[k].size ||
                       memcmp(l.functions[i].name, l.functions[k].name, l.functions[i].size) != 0);
    }
    FUZZ_CHECK(l.version.count <= LIBRARY_VERSION_PARTS);
    FUZZ_CHECK(library_version_compare(&l.version, &l.version) == 0);
    library_source_free(&l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *source = fuzz_exact((const char *)data, size);
    bool err = check_words(source, size);
    enum lua51_stop stop = check_levels(source, size);
    check_trust(source, size, err, stop);
    check_library(source, size, stop);
    free(source);
    return 0;
}
