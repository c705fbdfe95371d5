/* Whether a script can forge an error. Pure, on words alone (lua/walk.h).
 *
 * What reaches the client as an error is (read in the servers' sources, and seen on five of them):
 *
 *   a. what is raised and not caught. The server adds " script: …" to it, and "ERR " before it if it is no
 *      table: never the exact line, unless a metatable hides where it was raised (__newindex);
 *   b. a table returned that holds text under the key "err". Such a table is made by
 *        error_reply; a key that is written, or computed, to be "err"; rawset, metatables;
 *        decoding: cjson, cmsgpack; more code: loadstring, load;
 *        catching: redis.pcall, xpcall, coroutine.resume; pcall too, which gives text on these servers;
 *        a map of RESP3 (redis.setresp), whose keys are data.
 *
 * So these words make a script one that can forge, wherever they stand; and so does whatever could reach
 * one of them by another name: a library that is not followed by ".name" (passed on, copied, indexed), a
 * name that nothing in the source gives a value and that is not known to be harmless. Local names need no
 * scopes then: whatever a local holds came from something that was looked at.
 *
 * What is left is the computed key, t[k] = v. It counts, unless k can only be a number: rule_of_keys. */
#include "script/trust.h"

#include "lua/walk.h"

#include <stdint.h>
#include <string.h>

/* ---- names ---------------------------------------------------------------------------------- */

/* "a|b|c", as a whole: whether `name` is one of them. One that ends in '*' stands for all that begin so. */
static bool is_among(const struct lua51_token *name, const char *list)
{
    while (*list) {
        const char *bar = strchr(list, '|');
        size_t n = bar ? (size_t)(bar - list) : strlen(list);
        bool open = n && list[n - 1] == '*';
        size_t same = open ? n - 1 : n;
        if ((open ? name->size >= same : name->size == same) && memcmp(name->text, list, same) == 0)
            return true;
        list += n + (bar != NULL);
    }
    return false;
}

/* Libraries by what of them is harmless. What is not listed counts, also what a later server adds. */
static const struct library {
    const char *names, *harmless;
} libraries[] = {
    {"redis|server",
     "call|log|sha1hex|status_reply|set_repl|replicate_commands|acl_check_cmd|register_function|"
     "LOG_*|REPL_*|REDIS_VERSION*|VALKEY_VERSION*|SERVER_NAME"},
    /* Not dump: it makes code. */
    {"string", "byte|char|find|format|gfind|gmatch|gsub|len|lower|match|rep|reverse|sub|upper"},
    {"table", "concat|foreach|foreachi|getn|insert|maxn|remove|sort"},
    {"math|bit", "*"}, /* numbers in, numbers out */
    {"struct", "pack|size|unpack"},
    {"os", "clock"},
    /* Not what decodes. */
    {"cjson", "encode*|null"},
    {"cmsgpack", "pack"},
};

/* These neither make nor change a table, nor catch an error. */
static const char harmless[] =
    "ARGV|KEYS|_VERSION|assert|collectgarbage|error|gcinfo|ipairs|next|pairs|"
    "rawequal|rawget|select|self|tonumber|tostring|type|unpack";

/* These count though the source gives them a value, since that may be themselves: local pcall = pcall. Of the
 * rest of what servers have, only a copy under its own name would pass. */
static const char harmful[] = "__*|_G|coroutine|debug|dofile|getfenv|getmetatable|io|load|loadfile|"
                              "loadstring|module|newproxy|"
                              "package|pcall|rawset|require|setfenv|setmetatable|xpcall";

static const struct library *library_of(const struct lua51_token *name)
{
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++)
        if (is_among(name, libraries[i].names))
            return &libraries[i];
    return NULL;
}

/* A set of names by their hash: one that was added is always found; another may be too. */
#define NAME_BITS 4096

struct names {
    uint64_t bits[NAME_BITS / 64];
};

static size_t hash_of(const struct lua51_token *name)
{
    uint32_t h = UINT32_C(2166136261);
    for (size_t i = 0; i < name->size; i++)
        h = (h ^ (unsigned char)name->text[i]) * UINT32_C(16777619);
    return (h ^ h >> 16) % NAME_BITS;
}

static void names_add(struct names *names, const struct lua51_token *name)
{
    size_t h = hash_of(name);
    names->bits[h / 64] |= UINT64_C(1) << (h % 64);
}

static bool names_has(const struct names *names, const struct lua51_token *name)
{
    size_t h = hash_of(name);
    return names->bits[h / 64] >> (h % 64) & 1;
}

/* ---- the first reading: which names are given a value, and how ------------------------------ */

struct scan {
    struct lua51_walk walk;
    struct names given;  /* by anything but a numeric `for` */
    struct names looped; /* by a numeric `for` */

    /* Of the second reading: */
    const struct library *library; /* its name was read just now */
    struct key {
        size_t words;
        bool number; /* if nothing else is in it */
        bool other;
        struct lua51_token first;
    } keys[LUA51_DEPTH_MAX + 1]; /* by depth, of levels that are [ ] */
    /* By depth: t[k], was read there, which may be the left side of an assignment. */
    bool list[LUA51_DEPTH_MAX + 1];
};

static bool is_field(const struct lua51_walk *w)
{
    return lua51_is(&w->before, '.') || lua51_is(&w->before, ':');
}

/* Whether a name behind it can be the first of a list of variables: it ends an expression or a
 * statement, or is a comma between two variables. If in doubt it can. */
static bool may_begin_variable(const struct lua51_token *t)
{
    if (t->kind == LUA51_OPERATOR)
        return t->code == ')' || t->code == ']' || t->code == '}' || t->code == ',' ||
               t->code == ';' || t->code == LUA51_DOTS;
    if (t->kind == LUA51_KEYWORD)
        return t->code != LUA51_RETURN && t->code != LUA51_IN && t->code != LUA51_AND &&
               t->code != LUA51_OR && t->code != LUA51_NOT;
    return true;
}

/* Where names are declared. */
enum place { ELSEWHERE, BEHIND_LOCAL, BEHIND_FOR, BEHIND_FUNCTION, AMONG_PARAMETERS };

static enum place place_after(enum place at, const struct lua51_walk *w)
{
    const struct lua51_token *t = &w->now;
    if (lua51_is_keyword(t, LUA51_FUNCTION))
        return BEHIND_FUNCTION;
    if (lua51_is_keyword(t, LUA51_LOCAL))
        return BEHIND_LOCAL;
    if (lua51_is_keyword(t, LUA51_FOR))
        return BEHIND_FOR;
    if (at == BEHIND_FUNCTION && lua51_is(t, '('))
        return AMONG_PARAMETERS;
    if (at == AMONG_PARAMETERS)
        return lua51_is(t, ')') ? ELSEWHERE : at;
    if (at == BEHIND_FUNCTION)
        return at;
    bool more = t->kind == LUA51_NAME ? lua51_is(&w->after, ',') : lua51_is(t, ',');
    return more ? at : ELSEWHERE;
}

/* Whether the statement it stands in declares the name that is `now`, or may assign to it. */
static bool is_given(const struct lua51_walk *w, enum place at)
{
    if (at != ELSEWHERE)
        return true;
    if (is_field(w))
        return false;
    return lua51_is(&w->after, '=') || (lua51_is(&w->after, ',') && lua51_walk_in_statements(w) &&
                                        may_begin_variable(&w->before));
}

static void note_name(struct scan *s, enum place at)
{
    const struct lua51_walk *w = &s->walk;
    if (lua51_is_keyword(&w->before, LUA51_FOR) && lua51_is(&w->after, '='))
        names_add(&s->looped, &w->now);
    else if (is_given(w, at))
        names_add(&s->given, &w->now);
}

static void note_names(struct scan *s)
{
    enum place at = ELSEWHERE;
    while (lua51_walk(&s->walk)) {
        if (s->walk.now.kind == LUA51_NAME)
            note_name(s, at);
        at = place_after(at, &s->walk);
    }
}

/* ---- the second reading: keys --------------------------------------------------------------- */

/* Operators at whose result is a number, whatever their operands are: text that is none raises an error,
 * and there are no metatables. */
static bool makes_number(const struct lua51_token *t)
{
    return t->kind == LUA51_OPERATOR && t->code < 256 && strchr("+-*/%^#", t->code) != NULL;
}

/* What may stand beside them: operands and what is behind operands. Everything that binds weaker than
 * arithmetic (.. and comparisons, and, or, not) is not among them, nor are tables and functions. */
static bool keeps_number(const struct lua51_token *t)
{
    if (t->kind == LUA51_KEYWORD)
        return t->code == LUA51_TRUE || t->code == LUA51_FALSE || t->code == LUA51_NIL;
    if (t->kind == LUA51_OPERATOR)
        return t->code < 256 && strchr("()[].:", t->code) != NULL;
    return true;
}

/* A word that stands directly inside [ ], brackets inside those included, what is in them not. */
static void note_key_word(struct scan *s, size_t depth)
{
    struct key *key = &s->keys[depth];
    const struct lua51_token *t = &s->walk.now;
    if (key->words++ == 0)
        key->first = *t;
    if (makes_number(t))
        key->number = true;
    else if (!keeps_number(t))
        key->other = true;
}

enum key_kind { KEY_HARMLESS, KEY_ERR, KEY_ANY };

/* rule_of_keys: harmless are arithmetic, one number, one text that is not "err", true and the like, and one
 * name that only numeric loops give a value, since nothing else can be in it where it has one. */
static enum key_kind rule_of_keys(const struct scan *s, const struct key *key)
{
    if (key->other)
        return KEY_ANY;
    if (key->number)
        return KEY_HARMLESS;
    if (key->words != 1)
        return KEY_ANY;
    switch (key->first.kind) {
    case LUA51_STRING:
        return lua51_string_is(&key->first, "err") ? KEY_ERR : KEY_HARMLESS;
    case LUA51_NUMBER:
    case LUA51_KEYWORD:
        return KEY_HARMLESS;
    case LUA51_NAME:
        return names_has(&s->given, &key->first) ? KEY_ANY : KEY_HARMLESS;
    case LUA51_END:
    case LUA51_OPERATOR:
    case LUA51_COMMENT:
    case LUA51_BAD:
        break;
    }
    return KEY_ANY;
}

/* ---- the second reading: verdicts ----------------------------------------------------------- */

static bool name_forges(struct scan *s)
{
    const struct lua51_token *name = &s->walk.now;
    const struct library *library = s->library;
    s->library = NULL;
    /* Whatever it is the name of here: it is rare enough. */
    if (lua51_name_is(name, "err"))
        return true;
    if (is_field(&s->walk))
        return library && !is_among(name, library->harmless);
    s->library = library_of(name);
    if (s->library)
        return !lua51_is(&s->walk.after, '.');
    if (is_among(name, harmful))
        return true;
    return !is_among(name, harmless) && !names_has(&s->given, name) && !names_has(&s->looped, name);
}

static bool operator_forges(struct scan *s)
{
    const struct lua51_walk *w = &s->walk;
    if (lua51_is(&w->now, '='))
        return s->list[w->depth];
    if (!lua51_is(&w->now, ']'))
        return false;
    enum key_kind kind = rule_of_keys(s, &s->keys[w->depth + 1]);
    /* Only a key that is written to makes a table what it was not. */
    if (kind == KEY_ANY && lua51_is(&w->after, ',') && lua51_walk_in_statements(w))
        s->list[w->depth] = true;
    return kind == KEY_ERR || (kind == KEY_ANY && lua51_is(&w->after, '='));
}

/* No keyword stands in a list of variables, outside of brackets; and a keyword opens every level that can
 * have one, so that a level begins without. */
static void end_lists(struct scan *s)
{
    s->list[s->walk.depth] = false;
    if (s->walk.depth && lua51_walk_in(&s->walk) == LUA51_IN_BLOCK)
        s->list[s->walk.depth - 1] = false;
}

static bool word_forges(struct scan *s)
{
    const struct lua51_token *t = &s->walk.now;
    if (t->kind == LUA51_NAME)
        return name_forges(s);
    if (t->kind == LUA51_OPERATOR)
        return operator_forges(s);
    if (t->kind == LUA51_KEYWORD)
        end_lists(s);
    return false;
}

/* Keeps what is known of levels, as `now` opens one or stands in one. */
static void keep_levels(struct scan *s, size_t depth_before)
{
    size_t depth = s->walk.depth;
    bool opened = depth > depth_before;
    size_t level = opened ? depth - 1 : depth;
    if (opened)
        s->keys[depth] = (struct key){0};
    if (level && s->walk.open[level - 1] == '[')
        note_key_word(s, level);
}

/* Of no other engine's language. Without a line's end it is nothing that a server runs. */
static bool is_lua(const struct lua51_lexer *lexer)
{
    static const char engine[] = "#!lua";
    size_t n = sizeof engine - 1;
    if (!lexer->shebang)
        return true;
    return lexer->shebang >= n && memcmp(lexer->source, engine, n) == 0 &&
           (lexer->shebang == n || memchr(" \t\r", lexer->source[n], 3) != NULL);
}

bool script_can_forge(const char *source, size_t size)
{
    struct scan s = {.library = NULL};
    lua51_walk_open(&s.walk, source, size);
    if (!is_lua(&s.walk.lexer))
        return true;
    note_names(&s);
    if (s.walk.stop != LUA51_AT_END)
        return true; /* a server would not compile it, or cuts it in another way */
    lua51_walk_open(&s.walk, source, size);
    for (size_t depth = 0; lua51_walk(&s.walk); depth = s.walk.depth) {
        if (word_forges(&s))
            return true;
        keep_levels(&s, depth);
    }
    return false;
}
