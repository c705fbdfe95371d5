/* A grammar, and dice that choose among its rules. Invariants, for the servers' sake:
 *
 * 1. Loops go round once or twice; what a broken one would do, the server's own limit ends.
 * 2. Nothing calls redis.log, with which Valkey 9.1 ends itself while it loads a library (seen: 9.1.2).
 * 3. A library's name and version are never broken: there vouch is stricter than servers on purpose. */
#include "library_grammar.h"

#include "dice.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* `$X` is a rule of symbol X, `$n` a name of its own in quotes; '~' a blank within a word. */
struct rule {
    char symbol;
    uint32_t weight;
    const char *text;
};

#define REG ". register_function"

/* Deep down, the first rule of a symbol is taken: it leads to an end. */
static const struct rule rules[] = {
#include "library_rules.inc"
};

enum { TOKENS_MAX = 700, TOKEN_MAX = 64, DEPTH_MAX = 14 };

struct text {
    uint64_t dice;
    unsigned names;
    size_t count;
    char tokens[TOKENS_MAX][TOKEN_MAX];
};

static bool chance(struct text *t, uint32_t of)
{
    return dice_below(&t->dice, of) == 0;
}

static void put(struct text *t, const char *word, size_t size)
{
    if (t->count == TOKENS_MAX || size >= TOKEN_MAX)
        return;
    char *to = t->tokens[t->count++];
    for (size_t i = 0; i < size; i++)
        to[i] = word[i] == '~' ? ' ' : word[i];
    to[size] = 0;
}

static void put_name(struct text *t)
{
    char word[TOKEN_MAX];
    char quote = chance(t, 3) ? '"' : '\'';
    int size = snprintf(word, sizeof word, "%cn%u%c", quote, t->names++, quote);
    put(t, word, (size_t)size);
}

static const char *choose(struct text *t, char symbol, int depth)
{
    const struct rule *end = rules + sizeof rules / sizeof *rules, *first = rules;
    uint32_t total = 0;
    while (first->symbol != symbol)
        first++;
    for (const struct rule *r = first; r < end && r->symbol == symbol; r++)
        total += r->weight;
    uint32_t n = depth < DEPTH_MAX ? dice_below(&t->dice, total) : 0;
    for (; n >= first->weight; first++)
        n -= first->weight;
    return first->text;
}

static void expand(struct text *t, const char *form, int depth)
{
    while (*form) {
        size_t size = strcspn(form, " ");
        if (form[0] != '$')
            put(t, form, size);
        else if (form[1] == 'n')
            put_name(t);
        else
            expand(t, choose(t, form[1], depth), depth + 1);
        form += size;
        form += *form == ' ';
    }
}

/* ---- words with something between them ------------------------------------------------------ */

/* One word is missing, doubled, replaced, or in its neighbour's place. */
static void break_somewhere(struct text *t)
{
    static const char *const others[] = {
        "end",      "(",       ")",       "{",     "}",   ",",    "redis", "local",  "do",
        "..",       ".",       "return",  "until", "'",   "[[",   "--",    "server", "=",
        "f",        "nil",     "break",   "[=",    "]]",  "#",    "$",     "!",      "~=",
        "\303\251", "'\\256'", "'\\255'", "3..2",  "0x",  "0xp1", "0x1p4", "0x.8",   "1e",
        "1e+5",     "08",      ".5",      "5.",    "1_0", "goto", "--[[",  "\\",     "\r"};
    char spare[TOKEN_MAX];
    if (t->count < 2)
        return;
    size_t at = dice_below(&t->dice, (uint32_t)t->count - 1);
    switch (dice_below(&t->dice, 4)) {
    case 0:
        memmove(t->tokens[at], t->tokens[at + 1], (t->count - at - 1) * TOKEN_MAX);
        t->count--;
        break;
    case 1:
        if (t->count == TOKENS_MAX)
            t->count--;
        memmove(t->tokens[at + 1], t->tokens[at], (t->count - at) * TOKEN_MAX);
        t->count++;
        break;
    case 2:
        memcpy(spare, t->tokens[at], TOKEN_MAX);
        memcpy(t->tokens[at], t->tokens[at + 1], TOKEN_MAX);
        memcpy(t->tokens[at + 1], spare, TOKEN_MAX);
        break;
    default:
        (void)snprintf(t->tokens[at], TOKEN_MAX, "%s",
                       others[dice_below(&t->dice, sizeof others / sizeof *others)]);
    }
}

static bool stands_alone(char c)
{
    return c && strchr("(){},;", c) != NULL;
}

static const char *between(struct text *t, const char *before, const char *after)
{
    static const char *const odd[] = {"\n",
                                      "\r",
                                      "\v",
                                      " --\r",
                                      "\n\r",
                                      "\t",
                                      "\r\n",
                                      "\f",
                                      " --\n",
                                      " --[[ x ]] ",
                                      "--[=[\n'redis.register_function(\"q\", f)]=]",
                                      "--[[]]"};
    const uint32_t odds = sizeof odd / sizeof *odd;
    bool tight = stands_alone(before[strlen(before) - 1]) || stands_alone(after[0]);
    if (tight && chance(t, 2))
        return "";
    if (!chance(t, 20))
        return " ";
    /* Lua 5.1 takes no call whose bracket is on the next line: seldom, or little would load. */
    if (after[0] == '(' && !chance(t, 10))
        return odd[odds - 1];
    return odd[dice_below(&t->dice, odds)];
}

const char *library_grammar_locals(uint64_t sort)
{
/* The field's name is put together, since a source with it written out is never complete. */
#define COMMON                                                                                     \
    "local f, g, h, u = function() return 1 end, function() end, function() end "                  \
    "local o = {x = f} o['register_' .. 'function'] = g o.redis = o "
#define DEFINITION "local t = {function_name = 'f', callback = f} "
#define IMPOSTOR   "local t = o "
    static const char *const all[LIBRARY_GRAMMAR_LOCALS] = {
        COMMON DEFINITION "local x, y, name, flags = nil, nil, 'name', {'no-writes'}\n",
        COMMON DEFINITION "local x, y, name, flags = true, nil, 'flags', {}\n",
        COMMON IMPOSTOR
        "local x, y, name, flags = 'x', true, 'function_name', {'allow-oom', 'no-writes'}\n",
        COMMON IMPOSTOR "local x, y, name, flags = f, true, 'f', {'allow-oom'}\n",
    };
    return all[sort % LIBRARY_GRAMMAR_LOCALS];
}

size_t library_grammar_write(char out[static LIBRARY_GRAMMAR_MAX], uint64_t seed, uint64_t number)
{
    static const char *const lines[] = {"#!lua name=l\n", "#!LUA NAME=Ab_9\r\n",
                                        "#!lua \v\f name=l  \n",
                                        "#!lua\tName=a\n-- version: 1.2\n"};
    struct text t = {.dice = dice_of(seed, number, 0)};
    size_t at = 0;
    for (uint32_t i = 0; i < 3; i++)
        (void)dice_next(&t.dice);
    const char *line = lines[chance(&t, 4) ? dice_below(&t.dice, 4) : 0];
    const char *locals = library_grammar_locals(dice_next(&t.dice));
    expand(&t, "$M", 0);
    if (chance(&t, 6))
        break_somewhere(&t);
    at += (size_t)snprintf(out, LIBRARY_GRAMMAR_MAX, "%s%s", line, locals);
    for (size_t i = 0; i < t.count && at < LIBRARY_GRAMMAR_MAX - 2 * TOKEN_MAX; i++)
        at += (size_t)snprintf(out + at, LIBRARY_GRAMMAR_MAX - at, "%s%s", t.tokens[i],
                               i + 1 < t.count ? between(&t, t.tokens[i], t.tokens[i + 1]) : "");
    return at;
}
