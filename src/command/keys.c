/*
 * Key extraction. Pure: reads the words, the command's entry and its key specs; calls number.h.
 *
 * Invariants:
 *  1. Every position handed out is below argc and above 0.
 *  2. What servers answer to COMMAND GETKEYS is found, in their order. Where a server executes other
 *     keys than GETKEYS names, what it executes is the truth: tests/live/getkeys_corpus.inc lists both.
 *  3. Arguments come from the caller, so every sum on a number among them is checked first.
 */
#include "command/keys.h"

#include "base/number.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

struct words {
    size_t argc;
    const char *const *argv;
    const size_t *argvlen;
};

struct found {
    struct key_position *out;
    size_t max;
    size_t count;
};

static void add(struct found *found, size_t index, unsigned access)
{
    if (found->count < found->max)
        found->out[found->count] = (struct key_position){.index = index, .access = access};
    found->count++;
}

/* Is the word this keyword (capitals) in either case? */
static bool is_keyword(const struct words *w, size_t index, const char *keyword)
{
    size_t n = w->argvlen[index];
    if (n != strlen(keyword))
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = w->argv[index][i];
        if (c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        if (c != keyword[i])
            return false;
    }
    return true;
}

/* Key specs */

/* Where a spec's keys begin; 0: nowhere, since its keyword is not among the words. */
static size_t spec_begin(const struct key_spec *spec, const struct words *w)
{
    if (spec->search == KEY_SEARCH_INDEX)
        return (size_t)spec->begin;
    if (spec->begin > 0) {
        for (size_t i = (size_t)spec->begin; i + 1 < w->argc; i++)
            if (is_keyword(w, i, spec->keyword))
                return i + 1;
        return 0;
    }
    size_t back = (size_t)-spec->begin;
    for (size_t i = w->argc > back ? w->argc - back : 0; i > 0; i--)
        if (is_keyword(w, i, spec->keyword))
            return i + 1;
    return 0;
}

/* From first to a last word given by the spec; false if that is not among the words. */
static bool range_keys(const struct key_spec *spec, const struct words *w, size_t first,
                       struct found *found)
{
    if (first >= w->argc)
        return false;
    size_t rest = w->argc - first; /* words from the first key on */
    if (spec->last < 0 && spec->limit > 1)
        rest /= spec->limit;
    size_t count; /* of words from the first key to the last */
    if (spec->last >= 0) {
        count = (size_t)spec->last + 1;
        if (count > rest)
            return false;
    } else {
        size_t left = (size_t)-spec->last - 1; /* words after the last key */
        if (rest <= left)
            return false;
        count = rest - left;
    }
    for (size_t i = 0; i < count; i += spec->step)
        add(found, first + i, spec->access);
    return true;
}

/* As many as one of the words says. */
static bool counted_keys(const struct key_spec *spec, const struct words *w, size_t begin,
                         bool none_allowed, struct found *found)
{
    size_t at = begin + (size_t)spec->last;
    uint64_t count;
    if (at >= w->argc || !number_parse_u64(w->argv[at], w->argvlen[at], &count))
        return false;
    if (count == 0)
        return none_allowed;
    size_t first = begin + spec->first;
    if (first >= w->argc || count - 1 > (w->argc - 1 - first) / spec->step)
        return false;
    for (size_t i = 0; i < count; i++)
        add(found, first + i * spec->step, spec->access);
    return true;
}

static bool spec_keys(const struct command *command, const struct words *w, struct found *found)
{
    const struct key_spec *spec = command_key_specs(command);
    for (size_t i = 0; i < command->spec_count; i++, spec++) {
        size_t begin = spec_begin(spec, w);
        if (begin == 0)
            continue;
        bool good =
            spec->find == KEY_FIND_RANGE
                ? range_keys(spec, w, begin, found)
                : counted_keys(spec, w, begin, command->flags & COMMAND_KEYS_OPTIONAL, found);
        if (!good)
            return false;
    }
    return found->count > 0 || command->flags & COMMAND_KEYS_OPTIONAL;
}

/* By hand */

/* SORT key [BY p] [LIMIT a b] [GET p …] [ASC|DESC] [ALPHA] [STORE destination]; the last STORE
 * holds. */
static bool sort_keys(const struct words *w, struct found *found)
{
    size_t store = 0;
    for (size_t i = 2; i < w->argc; i++) {
        if (is_keyword(w, i, "LIMIT")) {
            i += 2;
        } else if (is_keyword(w, i, "GET") || is_keyword(w, i, "BY")) {
            i += 1;
        } else if (is_keyword(w, i, "STORE") && i + 1 < w->argc) {
            store = ++i;
        }
    }
    add(found, 1, KEY_READ);
    if (store != 0)
        add(found, store, KEY_WRITE);
    return true;
}

/* GEORADIUS key x y radius unit … [STORE destination] [STOREDIST destination]; BYMEMBER has one
 * word less. The last of the two holds. */
static bool georadius_keys(const struct words *w, struct found *found)
{
    size_t store = 0;
    for (size_t i = 5; i + 1 < w->argc; i++)
        if (is_keyword(w, i, "STORE") || is_keyword(w, i, "STOREDIST"))
            store = ++i;
    add(found, 1, KEY_READ);
    if (store != 0)
        add(found, store, KEY_WRITE);
    return true;
}

/* MIGRATE host port key|"" db timeout [COPY] [REPLACE] [AUTH p] [AUTH2 u p] [KEYS key …]: with KEYS
 * the single key must be empty, else the server refuses the command. */
static bool migrate_keys(const struct words *w, struct found *found)
{
    size_t first = 3, count = 1;
    for (size_t i = 6; i < w->argc; i++) {
        if (is_keyword(w, i, "AUTH")) {
            i += 1;
        } else if (is_keyword(w, i, "AUTH2")) {
            i += 2;
        } else if (is_keyword(w, i, "KEYS")) {
            if (w->argvlen[3] != 0)
                return false;
            if (i + 1 < w->argc) { /* else it is answered NOKEY, and routed by the empty key */
                first = i + 1;
                count = w->argc - first;
            }
            break;
        }
    }
    for (size_t i = 0; i < count; i++)
        add(found, first + i, KEY_READ | KEY_WRITE);
    return true;
}

static const struct {
    const char *name;
    bool (*find)(const struct words *w, struct found *found);
} by_hand[] = {
    {"GEORADIUS", georadius_keys},
    {"GEORADIUSBYMEMBER", georadius_keys},
    {"MIGRATE", migrate_keys},
    {"SORT", sort_keys},
};

static bool keys_by_hand(const struct command *command, const struct words *w, struct found *found)
{
    size_t i = 0;
    while (i + 1 < sizeof by_hand / sizeof by_hand[0] &&
           strcmp(by_hand[i].name, command->name) != 0)
        i++;
    assert(strcmp(by_hand[i].name, command->name) == 0);
    return by_hand[i].find(w, found);
}

static bool arity_fits(const struct command *command, size_t argc)
{
    return command->arity >= 0 ? argc == (size_t)command->arity : argc >= (size_t)-command->arity;
}

enum keys_result command_keys(const struct command *command, size_t argc, const char *const *argv,
                              const size_t *argvlen, struct key_position *out, size_t max,
                              size_t *count)
{
    *count = 0;
    if (command == NULL)
        return KEYS_UNKNOWN;
    if (!arity_fits(command, argc))
        return KEYS_INVALID;
    if (command->flags & COMMAND_CONTAINER)
        return argc > 1 ? KEYS_UNKNOWN : KEYS_NONE;
    if (command->spec_count == 0)
        return command->flags & COMMAND_MOVABLE_KEYS ? KEYS_UNKNOWN : KEYS_NONE;
    struct words w = {.argc = argc, .argv = argv, .argvlen = argvlen};
    struct found found = {.out = out, .max = max};
    bool good = command->flags & COMMAND_KEYS_BY_HAND ? keys_by_hand(command, &w, &found)
                                                      : spec_keys(command, &w, &found);
    if (!good)
        return KEYS_INVALID;
    *count = found.count;
    return found.count > 0 ? KEYS_OK : KEYS_NONE;
}

enum keys_result command_search_first_key(const struct command *command, size_t argc,
                                          const char *const *argv, const size_t *argvlen,
                                          size_t *index)
{
    struct key_position first = {.index = 0};
    size_t count;
    enum keys_result result = command_keys(command, argc, argv, argvlen, &first, 1, &count);
    *index = first.index;
    return result;
}
