/* The functions that a library registers, read from its words. Pure but for the list's memory.
 *
 * Understood are, of redis and of server,
 *
 *     redis.register_function('name', …)
 *     redis.register_function{function_name = 'name', flags = {'no-writes'}, …}
 *     redis.register_function({…})
 *
 * with names that are written out. Whatever else could register one makes the list incomplete: the library
 * passed on or copied, the function's name anywhere else. There is no other way to it: a server offers nothing
 * but redis (server) while it loads a library, neither _G nor loadstring (seen on five). */
#include "base/alloc.h"
#include "base/error.h"
#include "lua/walk.h"
#include "script/library_source.h"

#include <string.h>

struct reader {
    struct lua51_walk walk;
    struct library_source *out;
    size_t capacity;
    bool returns; /* a `return` was read that may end the library early */
    bool blind;   /* a registration may be of any name */
    bool renamed; /* redis or server may be a local by now, and anything */
    vouch_error *e;
    vouch_status status;
};

/* ---- small questions ------------------------------------------------------------------------ */

static bool step(struct reader *r)
{
    return !r->status && lua51_walk(&r->walk);
}

static bool ends_field(const struct lua51_token *t)
{
    return lua51_is(t, ',') || lua51_is(t, ';') || lua51_is(t, '}');
}

/* In any case, as servers compare them. */
static bool same_word(const char *text, size_t size, const char *lower)
{
    for (size_t i = 0; i < size; i++) {
        char c = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] + ('a' - 'A')) : text[i];
        if (!lower[i] || c != lower[i])
            return false;
    }
    return !lower[size];
}

/* Behind it, at the chunk's own level, a statement begins, and nothing that decides whether it runs. */
static bool ends_statement(const struct lua51_token *t)
{
    if (t->kind == LUA51_OPERATOR)
        return t->code == ')' || t->code == ']' || t->code == '}' || t->code == ';' ||
               t->code == LUA51_DOTS;
    if (t->kind == LUA51_KEYWORD)
        return t->code == LUA51_END_WORD || t->code == LUA51_NIL || t->code == LUA51_TRUE ||
               t->code == LUA51_FALSE;
    return true;
}

/* `now` is a name, not behind a dot. Whether it may be that of a new local. */
static bool may_declare(const struct lua51_walk *w)
{
    return lua51_is_keyword(&w->before, LUA51_LOCAL) ||
           lua51_is_keyword(&w->before, LUA51_FUNCTION) || lua51_is(&w->before, ',');
}

static bool is_inside_function(const struct lua51_walk *w)
{
    return w->depth && memchr(w->open, LUA51_IN_FUNCTION, w->depth) != NULL;
}

/* ---- the list ------------------------------------------------------------------------------- */

static struct library_function *find(const struct library_source *out, const char *name,
                                     size_t size)
{
    for (size_t i = 0; i < out->count; i++)
        if (out->functions[i].size == size && memcmp(out->functions[i].name, name, size) == 0)
            return &out->functions[i];
    return NULL;
}

static vouch_status add(struct reader *r, const struct library_function *f)
{
    struct library_source *out = r->out;
    struct library_function *same = find(out, f->name, f->size);
    void *grown = out->functions;
    if (same && same->certain && f->certain)
        return error_set(r->e, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                         "the library's line %zu registers '%.*s' again, after line %zu", f->line,
                         (int)(f->size < 64 ? f->size : 64), f->name, same->line);
    if (same) {
        same->certain = same->certain || f->certain;
        same->no_writes = same->no_writes && f->no_writes;
        return VOUCH_OK;
    }
    if (out->count == LIBRARY_FUNCTIONS_MAX)
        return error_set(r->e, VOUCH_ELIMIT, VOUCH_CAUSE_LIMIT,
                         "the library's line %zu: more than %d functions", f->line,
                         LIBRARY_FUNCTIONS_MAX);
    if (!alloc_grow(&grown, &r->capacity, out->count + 1, sizeof *f))
        return error_set(r->e, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY,
                         "no memory for the functions of a library");
    out->functions = grown;
    out->functions[out->count++] = *f;
    return VOUCH_OK;
}

/* Something may register a function under any name. */
static void leave_open(struct reader *r)
{
    r->blind = true;
    r->out->complete = false;
}

/* The name in a short string without escapes; others are rare, and leave the list open. */
static void add_named(struct reader *r, const struct lua51_token *string,
                      struct library_function *f)
{
    f->name = string->text + 1;
    f->size = string->size - 2;
    f->line = string->line;
    if (!f->certain)
        r->out->complete = false;
    if (string->text[0] == '[' || memchr(f->name, '\\', f->size)) {
        leave_open(r);
        return;
    }
    bool valid = f->size > 0;
    for (size_t i = 0; i < f->size; i++) {
        char c = f->name[i];
        valid = valid && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '_');
    }
    if (valid)
        r->status = add(r, f);
    else if (f->certain)
        r->status = error_set(r->e, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                              "the library's line %zu: names of functions are letters, digits and "
                              "underscores, not '%.*s'",
                              f->line, (int)(f->size < 64 ? f->size : 64), f->name);
    else
        r->out->complete = false;
}

/* ---- registrations -------------------------------------------------------------------------- */

static void look(struct reader *r);

/* `now` is the '{' of flags. Whether all of them are written out and one is no-writes. */
static bool read_flags(struct reader *r)
{
    size_t level = r->walk.depth;
    bool plain = true, found = false;
    while (step(r) && r->walk.depth >= level) {
        const struct lua51_token *t = &r->walk.now;
        char text[16];
        if (t->kind == LUA51_STRING && ends_field(&r->walk.after)) {
            size_t n = lua51_string_read(t, text, sizeof text);
            found = found || (n <= sizeof text && same_word(text, n, "no-writes"));
        } else if (!ends_field(t)) {
            plain = false;
            look(r);
        }
    }
    return plain && found && ends_field(&r->walk.after);
}

/* The only argument. Of two keys that are the same, in any case, nobody knows which one counts. */
struct table {
    struct lua51_token name;
    bool named, flagged, no_writes;
    bool odd; /* something in it is not understood */
};

/* `now` is the name of a field of the table at this level, '=' is next. */
static void read_field(struct reader *r, struct table *table)
{
    const struct lua51_token key = r->walk.now;
    if (!step(r))
        return;
    const struct lua51_token *value = &r->walk.after;
    if (same_word(key.text, key.size, "function_name")) {
        table->odd = table->odd || table->named;
        table->named = true;
        if (value->kind == LUA51_STRING && step(r) && ends_field(value))
            table->name = r->walk.now;
        else
            table->odd = true;
    } else if (same_word(key.text, key.size, "flags")) {
        bool second = table->flagged;
        table->flagged = true;
        table->no_writes = lua51_is(value, '{') && step(r) && read_flags(r) && !second;
    }
}

/* `now` is its '{'; after it, its '}'. */
static void read_fields(struct reader *r, struct table *table)
{
    size_t level = r->walk.depth;
    while (step(r) && r->walk.depth >= level) {
        const struct lua51_walk *w = &r->walk;
        bool begins = lua51_is(&w->before, '{') || ends_field(&w->before);
        if (begins && w->depth == level && w->now.kind == LUA51_NAME && lua51_is(&w->after, '=')) {
            read_field(r, table);
        } else {
            /* ['function_name'] = would be a key too. */
            if (begins && w->depth == level + 1 && lua51_is(&w->now, '['))
                table->odd = true;
            look(r);
        }
    }
}

static void read_table(struct reader *r, struct library_function *f, bool parentheses)
{
    struct table table = {.name = {.kind = LUA51_END}};
    read_fields(r, &table);
    if (r->status || r->walk.stop != LUA51_AT_END)
        return;
    if (table.odd || (parentheses && !lua51_is(&r->walk.after, ')'))) {
        f->certain = false;
        leave_open(r);
    }
    f->no_writes = table.no_writes && !table.odd;
    if (table.name.kind == LUA51_STRING)
        add_named(r, &table.name, f);
    else
        leave_open(r);
}

/* `now` is register_function, behind redis. or server. */
static void read_registration(struct reader *r, bool certain)
{
    struct library_function f = {.certain = certain};
    bool parentheses = lua51_is(&r->walk.after, '(');
    if (parentheses && !step(r))
        return;
    if (lua51_is(&r->walk.after, '{')) {
        if (step(r))
            read_table(r, &f, parentheses);
    } else if (parentheses && r->walk.after.kind == LUA51_STRING) {
        if (step(r) && lua51_is(&r->walk.after, ','))
            add_named(r, &r->walk.now, &f);
        else
            leave_open(r);
    } else {
        leave_open(r);
    }
}

/* One word: what it registers, or what it may. Returns behind what it understood. */
static void look(struct reader *r)
{
    const struct lua51_walk *w = &r->walk;
    bool field = lua51_is(&w->before, '.') || lua51_is(&w->before, ':');
    if (lua51_is_keyword(&w->now, LUA51_RETURN) && w->depth && !is_inside_function(w))
        r->returns = true;
    if (lua51_string_is(&w->now, "register_function") ||
        lua51_name_is(&w->now, "register_function"))
        leave_open(r);
    if (field || !(lua51_name_is(&w->now, "redis") || lua51_name_is(&w->now, "server")))
        return;
    bool certain = w->depth == 0 && ends_statement(&w->before) && !r->returns && !r->renamed;
    if (!lua51_is(&w->after, '.')) {
        leave_open(r);
        r->renamed = r->renamed || may_declare(w);
    } else if (step(r) && lua51_name_is(&w->after, "register_function") && step(r)) {
        read_registration(r, certain);
    }
}

static vouch_status refuse_code(const struct reader *r)
{
    const struct lua51_token *t = &r->walk.now;
    switch (r->walk.stop) {
    case LUA51_AT_BAD:
        return error_set(r->e, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "the library's line %zu: %s",
                         t->line, lua51_fault_sentence(t->code));
    case LUA51_AT_UNBALANCED:
        if (t->kind == LUA51_END)
            return error_set(r->e, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                             "the library's line %zu: the source ends while a bracket or block is "
                             "open",
                             t->line);
        return error_set(
            r->e, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
            "the library's line %zu: '%.*s' while another bracket or block is open, or none",
            t->line, (int)t->size, t->text);
    case LUA51_AT_LIMIT:
        return error_set(r->e, VOUCH_ELIMIT, VOUCH_CAUSE_LIMIT,
                         "the library's line %zu: more than %d brackets and blocks in one another",
                         t->line, LUA51_DEPTH_MAX);
    case LUA51_AT_END:
        break;
    }
    return VOUCH_OK;
}

/* A function that is not certain may be there all the same, by a registration of which nothing is known. */
static void doubt_flags(struct library_source *out)
{
    for (size_t i = 0; i < out->count; i++)
        if (!out->functions[i].certain)
            out->functions[i].no_writes = false;
}

vouch_status library_functions_read(struct library_source *out, const char *source, size_t size,
                                    vouch_error *e)
{
    struct reader r = {.out = out, .e = e};
    out->complete = true;
    lua51_walk_open(&r.walk, source, size);
    while (step(&r))
        look(&r);
    if (r.status)
        return r.status;
    if (r.returns)
        out->complete = false;
    if (r.blind)
        doubt_flags(out);
    vouch_status status = refuse_code(&r);
    if (!status && out->complete && out->count == 0)
        status = error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                           "the library registers no function: redis.register_function('name', …)");
    return status;
}
