/* A grammar, and dice that choose among its rules. A source is one of four sorts: sound Lua 5.1 by the grammar, one
 * in which odd rules are taken too, either of these broken afterwards, or one near a limit of the compiler. */
#include "lua_grammar.h"

#include "base.h"
#include "lua_grammar_parts.h"

#include <stdlib.h>

struct rule {
    char symbol, sort;
    uint32_t weight;
    const char *text;
};

/* Deep down, the first rule of a symbol is taken: it leads to an end. */
static const struct rule rules[] = {
#include "lua_rules.inc"
};
enum { RULES = sizeof rules / sizeof *rules };
_Static_assert((int)RULES <= (int)LUA_FIRST_NUMBER, "rules are constructs of their own");

const char *lua_piece(struct lua_text *t, const struct lua_pieces *pieces)
{
    uint32_t count = (uint32_t)(t->odd && lua_chance(t, 2) ? pieces->count : pieces->sound);
    size_t i = dice_below(&t->dice, count);
    t->grammar->used[pieces->first + i] = true;
    return pieces->of[i];
}

/* ---- rules ---------------------------------------------------------------------------------- */

static void put(struct lua_text *t, const char *word, size_t size)
{
    if (t->count == LUA_WORDS_MAX || size >= LUA_WORD_MAX)
        return;
    memcpy(t->words[t->count], word, size);
    t->sizes[t->count++] = size;
}

/* "@l", "@e" */
static void change_context(struct lua_text *t, char how)
{
    if (how == 'e' && t->context_count)
        t->context_count--;
    else if (how != 'e' && t->context_count < LUA_CONTEXTS_MAX)
        t->contexts[t->context_count++] = how;
}

/* Outside of all functions there is `...`. */
static bool is_vararg(const struct lua_text *t)
{
    for (size_t i = t->context_count; i-- > 0;)
        if (t->contexts[i] != 'l')
            return t->contexts[i] == 'v';
    return true;
}

static bool fits(struct lua_text *t, const struct rule *rule)
{
    switch (rule->sort) {
    case 'l':
        return t->odd || (t->context_count && t->contexts[t->context_count - 1] == 'l');
    case 'v':
        return t->odd || is_vararg(t);
    case '+':
        return t->odd;
    default:
        return true;
    }
}

/* The sum of the weights of all rules of a symbol that fit. */
static uint32_t weigh(struct lua_text *t, const struct rule *first)
{
    uint32_t total = 0;
    for (const struct rule *r = first; r < rules + RULES && r->symbol == first->symbol; r++)
        total += fits(t, r) ? r->weight : 0;
    return total;
}

/* Odd rules one time in four, else a source would hold nothing but them; but where there are no others. */
static const char *choose(struct lua_text *t, char symbol, int depth)
{
    const struct rule *r = rules;
    while (r->symbol != symbol)
        r++;
    bool odd = t->odd, deep = depth >= t->depth_max || t->count > LUA_WORDS_MAX / 2;
    t->odd = odd && lua_chance(t, 4);
    t->odd = t->odd || weigh(t, r) == 0;
    uint32_t total = weigh(t, r);
    for (uint32_t n = total ? dice_below(&t->dice, total) : 0; !deep; r++) {
        uint32_t weight = fits(t, r) ? r->weight : 0;
        if (n < weight)
            break;
        n -= weight;
    }
    t->odd = odd;
    t->grammar->used[r - rules] = true;
    return r->text;
}

static void expand(struct lua_text *t, const char *form, int depth)
{
    char word[LUA_WORD_MAX];
    while (*form) {
        size_t size = strcspn(form, " ");
        if (form[0] == '@') {
            change_context(t, form[1]);
        } else if (form[0] != '$') {
            put(t, form, size);
        } else if (form[1] == 'n') {
            lua_word_name(t, word);
            put(t, word, strlen(word));
        } else if (form[1] == 'N') {
            put(t, word, lua_word_number(t, word));
        } else if (form[1] == 'S') {
            put(t, word, lua_word_string(t, word));
        } else {
            expand(t, choose(t, form[1], depth), depth + 1);
        }
        form += size;
        form += *form == ' ';
    }
}

/* ---- sources -------------------------------------------------------------------------------- */

enum sort { SOUND = 40, ODD = 55, BROKEN = 85, LIMIT = 100 };

void lua_grammar_write(struct lua_grammar *grammar, uint64_t seed, uint64_t number)
{
    struct lua_text *t = ts_alloc(sizeof *t);
    t->grammar = grammar;
    t->dice = dice_of(seed, number, 0);
    for (uint32_t i = 0; i < 3; i++)
        (void)dice_next(&t->dice);
    memset(grammar->used, 0, sizeof grammar->used);
    ts_buffer_take(&grammar->text, ts_buffer_length(&grammar->text));
    uint32_t sort = dice_below(&t->dice, LIMIT);
    t->odd = sort >= SOUND && (sort < ODD || lua_chance(t, 4));
    t->depth_max = 4 + (int)dice_below(&t->dice, 7);
    if (sort < BROKEN) {
        expand(t, "$T $B", 0);
        bool words = sort >= ODD && !lua_chance(t, 3);
        if (words)
            lua_mutate_words(t);
        lua_words_join(t);
        if (sort >= ODD && !words)
            lua_mutate_bytes(t);
        if (lua_chance(t, 8))
            lua_mutate_layout(t);
    } else {
        lua_limits_write(t);
        if (lua_chance(t, 20))
            lua_mutate_bytes(t);
    }
    free(t);
}

void lua_grammar_free(struct lua_grammar *grammar)
{
    ts_buffer_free(&grammar->text);
}

/* ---- constructs ----------------------------------------------------------------------------- */

size_t lua_grammar_constructs(void)
{
    return LUA_GRAMMAR_CONSTRUCTS_MAX;
}

const char *lua_grammar_construct(size_t index)
{
    static const struct lua_pieces *const all[] = {&lua_numbers, &lua_escapes, &lua_longs,
                                                   &lua_gaps, &lua_names};
    if (index < RULES)
        return rules[index].text;
    for (size_t i = 0; i < sizeof all / sizeof(struct lua_pieces *); i++)
        if (index >= all[i]->first && index - all[i]->first < all[i]->count)
            return all[i]->of[index - all[i]->first];
    if (index >= LUA_FIRST_MUTATION && index - LUA_FIRST_MUTATION < lua_mutation_count)
        return lua_mutations[index - LUA_FIRST_MUTATION];
    if (index >= LUA_FIRST_LIMIT && index - LUA_FIRST_LIMIT < lua_limit_count)
        return lua_limits[index - LUA_FIRST_LIMIT];
    return NULL;
}
